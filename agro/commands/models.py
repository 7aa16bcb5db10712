"""models, promote, rollback, history."""

from typing import Annotated

import typer

from agro.commands.options import AsJson, Model, Version


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(name="models")(list_models)
    for command in (promote, rollback, history):
        app.command()(command)


def list_models(
    model: Annotated[str | None, typer.Argument(help="Only this model.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of every model with their gate results and aliases."""
    from agro import console, shelf

    rows = shelf.versions(model)
    if as_json:
        console.print_json(rows)
    else:
        shelf.show(rows)


def promote(
    model: Model,
    version: Version = None,
    again: Annotated[bool, typer.Option(help="Also a version that a rollback rejected.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a version `champion` (default: the challenger). Serve it with `agro serve`."""
    from agro import console, shelf

    number = shelf.promote(model, version, again)
    if as_json:
        console.print_json({"model": model, "champion": number})
    else:
        console.say(f"{model} version {number} is champion; `agro serve {model}` builds and serves it")


def rollback(model: Model, as_json: AsJson = False) -> None:
    """Make the champion before this one champion again."""
    from agro import console, shelf

    number = shelf.rollback(model)
    if as_json:
        console.print_json({"model": model, "champion": number})
    else:
        console.say(f"{model} version {number} is champion again; `agro serve {model}` serves it")


def history(model: Model, as_json: AsJson = False) -> None:
    """What served when."""
    from agro import console, shelf

    rows = shelf.history(model)
    if as_json:
        console.print_json(rows)
    else:
        console.table(
            f"what served as {model}", ["since", "version", "tag", "digest"],
            [[row["since"], row["version"], row["tag"], row["digest"][:12]] for row in rows],
        )  # fmt: skip
