"""predict, reproduce: what a trained version is asked again."""

from datetime import datetime
from typing import Annotated, Any

import typer

from agro.commands.options import AsJson, Model, Version

Number = Annotated[int | None, typer.Option("--version", help="Version instead of the champion.", min=1)]
Day = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="A past day, by the champion of its first moment (UTC)."),
]
BatchId = Annotated[str | None, typer.Option("--batch", help="Name of the batch instead of model, version and day.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (predict, reproduce):
        app.command()(command)


def predict(
    model: Model, version: Number = None, as_of: Day = None, batch: BatchId = None, as_json: AsJson = False
) -> None:
    """Answer in advance for everybody the champion knows, into ClickHouse; called again, it goes on."""
    from agro import console, runs
    from models.families import family

    family(model)
    asked: dict[str, Any] = {"model": model, "version": version, "as_of": as_of, "batch_id": batch}
    (outcome,) = runs.run_flow("predict", f"predict {model}", **asked)["batches"]
    if as_json:
        console.print_json(outcome)
        return
    told = f"{outcome['answered']:,} answered, {outcome['known']:,} were there, {outcome['refused']:,} refused"
    console.say(f"{outcome['batch_id']}: {told} {outcome['reason'] and '(' + outcome['reason'] + ')'}".rstrip())


def reproduce(model: Model, version: Version = None, as_json: AsJson = False) -> None:
    """Train a version again from its lineage and compare metrics and files; exit with 1 where they differ."""
    from agro import console, runs
    from models.families import family

    family(model)
    outcome = runs.run_flow("reproduce", f"reproduce {model}", model=model, version=version)
    if as_json:
        console.print_json(outcome)
    else:
        pairs = outcome["metrics"] | outcome["files"]
        verdict = "the same again" if outcome["same"] else "NOT the same"
        shown = outcome["differ"] or [name for name in pairs if name.startswith("metrics.")]
        rows = [[name, *pairs[name].values()] for name in shown]
        console.table(f"{model} version {outcome['version']}: {verdict}", ["", "then", "now"], rows)
    raise typer.Exit(0 if outcome["same"] else 1)
