"""up, down, doctor, config."""

from typing import Annotated

import typer

from agro.commands.options import AsJson


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (up, down, doctor, config):
        app.command()(command)
    app.add_typer(mesh, name="mesh")


mesh = typer.Typer(help="The local mesh: Envoy in front of the services.", no_args_is_help=True)
Mesh = Annotated[bool, typer.Option("--mesh", help="With Envoy in front of the services (port 8080).")]


@mesh.command("up")
def mesh_up(as_json: AsJson = False) -> None:
    """Start the platform with Envoy in front; where it runs already, add it."""
    up(mesh=True, as_json=as_json)


def up(mesh: Mesh = False, as_json: AsJson = False) -> None:
    """Start the whole local platform and print a URL per part."""
    from agro import console, platform, schema, served, status

    platform.start(console.say, mesh)
    schema.bring_up(console.say)
    platform.prepare_prefect()
    platform.prepare_hints(console.say)
    served.wait(console.say)
    rows = status.parts()
    if as_json:
        console.print_json(rows)
    else:
        status.show(rows)


def down(as_json: AsJson = False) -> None:
    """Stop the local platform; everything it keeps stays in its folder."""
    from agro import console, platform
    from base.home import home

    platform.stop(console.say)
    if as_json:
        console.print_json({"stopped": True, "home": home()})
    else:
        console.say(f"stopped; the data stay in {home()}")


def doctor(as_json: AsJson = False) -> None:
    """Say what is wrong with this machine or the platform, and how to mend it."""
    from agro import console
    from agro import doctor as surgery

    findings = surgery.examine()
    if as_json:
        console.print_json([finding.__dict__ for finding in findings])
    else:
        console.table(
            "agro doctor", ["", "part", "found", "remedy"],
            [["ok" if row.healthy else "!!", row.part, row.found, row.remedy] for row in findings],
        )  # fmt: skip
    raise typer.Exit(0 if all(row.healthy for row in findings) else 1)


def config(
    as_json: AsJson = False,
    name: Annotated[str, typer.Argument(help="Show only settings whose name contains this.")] = "",
) -> None:
    """Print every setting under the name of its environment variable, secrets masked."""
    from agro import console
    from agro.settings import as_environment

    rows = {key: value for key, value in as_environment().items() if name.upper() in key}
    if as_json:
        console.print_json(rows)
    else:
        console.table("settings", ["variable", "value"], list(rows.items()))
