"""package, serve."""

import typer

from agro.commands.options import AsJson, Model, Version


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (package, serve):
        app.command()(command)


def package(model: Model, version: Version = None, as_json: AsJson = False) -> None:
    """Build the champion's Bento and check it against its golden requests."""
    from agro import console, runs

    outcome = runs.package(model, version, deploy=False)
    if as_json:
        console.print_json(outcome)
    else:
        console.say(f"built {outcome['tag']} and checked it on {outcome['checked']} golden requests")


def serve(model: Model, version: Version = None, as_json: AsJson = False) -> None:
    """Build and check the champion's Bento, then serve it on the local platform."""
    from agro import console, runs

    outcome = runs.package(model, version, deploy=True)
    if as_json:
        console.print_json(outcome)
    else:
        console.say(f"{outcome['tag']} serves at {outcome['url']}")
