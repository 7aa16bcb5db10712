"""models, approve, promote, rollback, history."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from agro.commands.options import AsJson, Model, Version

Serve = Annotated[bool, typer.Option("--serve", help="Build, check and serve it, too.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(name="models")(list_models)
    for command in (approve, promote, rollback, history):
        app.command()(command)


def list_models(
    model: Annotated[str | None, typer.Argument(help="Only this model.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of every model with their gate results and aliases."""
    from agro import console, versions

    rows = versions.versions(model)
    if as_json:
        console.print_json(rows)
    else:
        versions.show(rows)
        _tell_what_serves_otherwise(rows)


def approve(
    model: Model,
    version: Annotated[int, typer.Argument(help="Version number.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Say that a version may serve, where AGRO_ROLLOUT_APPROVAL_MODELS asks for somebody's word."""
    from agro import console, versions

    versions.approve(model, version)
    if as_json:
        console.print_json({"model": model, "approved": version})
    else:
        console.say(f"{model} version {version} is approved")


def promote(
    model: Model,
    version: Version = None,
    again: Annotated[bool, typer.Option(help="Also a version that a rollback rejected.")] = False,
    serve: Serve = False,
    as_json: AsJson = False,
) -> None:
    """Make a version `champion` (default: the challenger). It serves after `agro serve`, or at once with --serve."""
    from agro import versions

    _tell(model, versions.promote(model, version, again), "is champion", serve, as_json)


def rollback(model: Model, serve: Serve = False, as_json: AsJson = False) -> None:
    """Make the champion before this one champion again. It serves after `agro serve`, or at once with --serve."""
    from agro import versions

    _tell(model, versions.rollback(model), "is champion again", serve, as_json)


def _tell(model: str, champion: int, what: str, serve: bool, as_json: bool) -> None:
    """Say what moved, serve it where asked to, and say what serves."""
    from agro import console, runs, serves

    console.say(f"{model} version {champion} {what}")
    outcome: dict[str, Any] = {"model": model, "champion": champion}
    if serve:
        outcome |= runs.package(model, champion, deploy=True)
    outcome["serves"] = serves.version(model)
    if as_json:
        console.print_json(outcome)
    else:
        console.say(serves.remark(model, champion, outcome["serves"]))


def _tell_what_serves_otherwise(rows: list[dict[str, Any]]) -> None:
    """A line for each model that serves another version than its champion."""
    from agro import console, serves

    for row in rows:
        if "champion" in row["aliases"] and (serving := serves.version(row["model"])) != row["number"]:
            console.say(serves.remark(row["model"], row["number"], serving))


def history(
    model: Model,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], help="What served then (UTC)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What was chosen and what served when, and by whose hand; with --at, what served at a moment."""
    from agro import console, versions

    rows = versions.history(model, at.replace(tzinfo=UTC) if at else None)
    if as_json:
        console.print_json(rows)
    else:
        console.table(
            f"what served as {model}", ["at (UTC)", "event", "version", "before", "arm", "Bento", "who", "result"],
            [[row["at"][:19].replace("T", " "), row["event"], row["version"], row["before"], row["arm"], row["tag"],
              row["who"], row["result"]] for row in rows],
        )  # fmt: skip
