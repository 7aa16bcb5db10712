"""ingest, train, tune, evaluate, backfill."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agro.commands.options import AsJson, AsOf, DataPath, Model, listed
from features.kinds import inputs
from flows.backfill import step_days


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (ingest, train, tune, evaluate, backfill):
        app.command()(command)


def ingest(
    kind: Annotated[str, typer.Argument(help=listed(inputs))],
    path: Annotated[Path, typer.Argument(help="CSV or Parquet file, or a folder of photographs.")],
    max_rejected: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Exit with 1 where a greater share of the rows is rejected; .05 by default.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Load events or photographs, each row once; rows that break a rule go to a file with their reasons."""
    from agro import console, loading, runs
    from features.settings import IngestSettings

    outcome = runs.ingest(kind, path)
    if as_json:
        console.print_json(outcome)
    else:
        loading.show(path, outcome)
    told = loading.too_many(outcome, IngestSettings().max_rejected if max_rejected is None else max_rejected)
    for each in told:
        console.say(f"agro: {each}")
    raise typer.Exit(1 if told else 0)


def train(
    model: Model,
    algorithm: Annotated[str | None, typer.Option(help="An algorithm of the family, or `all`.")] = None,
    params: Annotated[
        str | None,
        typer.Option(help="Hyperparameters, as '{\"seed\": 1}'; docs/hyperparameters.md has them.", show_default=False),
    ] = None,
    data: DataPath = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Train a new version by its flow; it becomes `challenger` where it passes the gate."""
    from agro import console, runs

    outcomes = runs.train(model, algorithm, data, as_of, params=runs.hyperparameters(params))
    if as_json:
        console.print_json(outcomes if algorithm == "all" else outcomes[0])
    else:
        for outcome in outcomes:
            runs.show_training(outcome)
    raise typer.Exit(0 if any(outcome["gate"]["passed"] for outcome in outcomes) else 1)


def tune(
    model: Model,
    algorithm: Annotated[
        str | None, typer.Option(help="An algorithm of the family; its default one by default.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="How long to search.")] = 10.0,
    trials: Annotated[int | None, typer.Option(help="Trials at most, those before a break included.")] = None,
    data: DataPath = None,
    as_of: AsOf = None,
    train: Annotated[bool, typer.Option("--train", help="Train a version with what was found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search for better hyperparameters; the same search on the same rows goes on where it stopped."""
    from agro import console, runs

    outcome = runs.tune(model, data, algorithm=algorithm, as_of=as_of, minutes=minutes, trials=trials, train=train)
    if as_json:
        console.print_json(outcome)
    else:
        runs.show_tuning(outcome)
        if train:
            runs.show_training(outcome["training"])
    raise typer.Exit(0 if not train or outcome["training"]["gate"]["passed"] else 1)


def evaluate(
    model: Model,
    data: Annotated[list[Path], typer.Option("--data", help="File or folder; may be given several times.")],
    algorithm: Annotated[str | None, typer.Option(help="An algorithm of the family, or `all`.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Protocol of the family; its fixed one by default.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Forecasters: steps ahead.", min=1)] = None,
    origins: Annotated[int | None, typer.Option(help="Forecasters: rolling origins.", min=1)] = None,
    train_dir: Annotated[Path | None, typer.Option("--train", help="Leaf model: train on this folder first.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the family's protocol on data of yours, beside its baselines; needs no running platform."""
    from agro import console, scoring

    asked: dict[str, Any] = {"name": protocol, "horizon": horizon, "origins": origins, "train": train_dir}
    rows = scoring.evaluate(model, data, algorithm, {key: value for key, value in asked.items() if value is not None})
    if as_json:
        console.print_json(rows)
    else:
        scoring.show(rows)


def backfill(
    flow: Annotated[str, typer.Argument(help=listed(step_days))],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
    model: Annotated[str | None, typer.Option(help="Drift and predict: only this model.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a flow as of each past day; called again, it goes on where it stopped."""
    from agro import console, runs

    rows = runs.backfill(flow, first.date(), last.date(), {"model": model} if model else {})
    if as_json:
        console.print_json(rows)
        return
    console.table(f"backfill of {flow}", ["as of", "ran now"], [[row["moment"], row["ran"]] for row in rows])
