"""drift."""

from datetime import datetime
from typing import Annotated

import typer

from agro.commands.options import AsJson, Model


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(drift)


def drift(
    model: Model,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of the week to look at.", show_default=False),
    ] = None,
    shift: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN:SIGMA, a known shift to see found; may be repeated.", show_default=False),
    ] = None,
    fail_on_alarm: Annotated[bool, typer.Option("--fail-on-alarm", help="Exit with 1 on an alarm.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare a week of data with what the champion learned from; report, and mail an alarm."""
    from agro import console, runs

    outcome = runs.drift(model, since, shift or [])
    if as_json:
        console.print_json(outcome)
    else:
        runs.show_drift(outcome)
    raise typer.Exit(1 if fail_on_alarm and outcome["alarm"] else 0)
