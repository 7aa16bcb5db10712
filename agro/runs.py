"""Runs flows for the command line, with a progress bar, and shows what came of them."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from agro import console
from agro.errors import AgroError
from base.home import home


class NoSuchFile(AgroError):
    """The path given does not exist."""


class NoObject(AgroError):
    """An option that takes a JSON object was given something else."""


def run_flow(name: str, title: str, **parameters: Any) -> dict[str, Any]:
    """Run a flow in this process against the Prefect server, with a progress bar on stderr."""
    from flows.runtime import connect_prefect, hand_over

    connect_prefect()
    from flows import catalogue
    from flows.progress import listening

    flow = catalogue.find(name)
    try:
        with console.progress(title) as move, listening(move):
            return flow(**parameters)
    finally:
        hand_over()


def ingest(kind: str, path: Path) -> dict[str, Any]:
    """Load a file or folder.

    Raises:
        NoSuchFile: There is nothing at `path`.
    """
    if not path.exists():
        raise NoSuchFile(f"PATH: {path} does not exist; give a CSV or Parquet file, or a folder of photographs")
    return run_flow("ingest", f"ingest {kind}", kind=kind, path=str(path.absolute()))


def train(
    model: str,
    algorithm: str | None,
    data: Path | None,
    as_of: datetime | None,
    reuse: bool = False,
    params: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Train one algorithm, or each of the family's, with these hyperparameters, loading `data` first."""
    from models.families import family, registered

    found, params = family(model), params or {}
    algorithms = list(found.algorithms) if algorithm == "all" else [algorithm or found.default]
    for name in algorithms:
        found.default_recipe(name, **params)  # what is not known is told before anything is loaded
    if data is not None:
        _load(model, data)
    asked = {"params": params, "as_of": as_of, "reuse": reuse}
    return [run_flow(registered(model).flow, model, algorithm=name, **asked) for name in algorithms]


def hyperparameters(text: str | None) -> dict[str, Any]:
    """What `--params` holds.

    Raises:
        NoObject: It is not a JSON object.
    """
    try:
        found = json.loads(text or "{}")
    except ValueError as exc:
        raise NoObject(f'--params: {text} is not JSON ({exc}); give an object as {{"seed": 1}}') from exc
    if not isinstance(found, dict):
        raise NoObject(f'--params: {text} is no JSON object; give one as {{"seed": 1}}')
    return found


def _load(model: str, data: Path) -> None:
    """Load a model's data, and what lies beside them."""
    from features.kinds import find
    from models.families import registered

    kind = find(registered(model).kind)
    ingest(kind.input, data)
    beside = find(kind.beside).input if kind.beside else ""
    file = (data if data.is_dir() else data.parent) / f"{beside}.csv"
    if beside and file.exists():
        ingest(beside, file)


def tune(model: str, data: Path | None, **asked: Any) -> dict[str, Any]:
    """Search for better hyperparameters, loading `data` first; `asked` are parameters of the flow `tune`."""
    from flows.tuning import search

    wanted = {name: asked[name] for name in ("algorithm", "minutes", "trials")}
    search.planned(model, **wanted)  # what makes no sense is told before anything is loaded
    if data is not None:
        _load(model, data)
    return run_flow("tune", f"tune {model}", model=model, **asked)


def show_tuning(outcome: dict[str, Any], stderr: bool = False) -> None:
    """The default beside the best, how sure the difference is, and the hyperparameters to train with."""
    metric, best, gain = outcome["metric"], outcome["best"], outcome["gain"]
    rows = [["default", _figure(outcome["default"]["score"])], [f"trial {best['trial']}", _figure(best["score"])]]
    states = ", ".join(f"{n} {state}" for state, n in outcome["trials"].items())
    title = f"{outcome['model']} {outcome['algorithm']}: trials {states} ({outcome['seconds']} s)"
    console.table(title, ["", f"{metric} on validation"], rows, stderr)
    sure = "" if outcome["surely_better"] else ": not surely better than the default"
    console.say(f"  gain {gain['mid']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]{sure}")
    console.say(f"  params: {json.dumps(outcome['params'])}")
    console.say(f"  every trial: {outcome['url']}")


def show_training(outcome: dict[str, Any], stderr: bool = False) -> None:
    """A table of the challenger beside its baselines, and the gate's reasons."""
    gate = outcome["gate"]
    verdict = {"failed": "FAILED"}.get(gate["outcome"], gate["outcome"])
    how = "same recipe, rows and code: not trained again" if outcome.get("reused") else f"{outcome['seconds']} s"
    show_scores(f"{outcome['model']} version {outcome['version']}: gate {verdict} ({how})", outcome, stderr)
    for reason in gate["reasons"]:
        console.say(f"  {reason}")
    for warning in gate["warnings"]:
        console.say(f"  look at: {warning}")


def show_scores(title: str, outcome: dict[str, Any], stderr: bool = False) -> None:
    """A table of an algorithm's metrics over those of its baselines."""
    names = list(outcome["metrics"])
    rows = [[outcome["algorithm"], *(_figure(outcome["metrics"][name]) for name in names)]]
    for baseline, scores in outcome["baselines"].items():
        rows.append([baseline, *(_figure(scores.get(name)) for name in names)])
    console.table(title, ["", *names], rows, stderr)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def package(model: str, version: int | None, deploy: bool) -> dict[str, Any]:
    """Build and check the champion's Bento (or a version's), and serve it where `deploy` says so."""
    from models.families import family

    family(model)
    return run_flow("package", f"package {model}", model=model, version=version, deploy=deploy)


def drift(model: str, since: datetime | None, shifts: list[str]) -> dict[str, Any]:
    """Compare a week with the champion's training data."""
    from models.families import family

    family(model)
    return run_flow("drift", f"drift {model}", model=model, since=since, shift=shifts)["reports"][0]


def show_drift(outcome: dict[str, Any], stderr: bool = False) -> None:
    """How near each column is to its limit, the verdict, and where the report is."""
    rows = [
        [row["column"], f"{row['pressure']:.2f}", "ALARM" if row["alarm"] else "quiet"] for row in outcome["columns"]
    ]
    title = f"{outcome['model']}, week of {outcome['week']}: {outcome['headline']}"
    console.table(title, ["column", "share of its limit", "verdict"], rows, stderr)
    for reason in outcome["reasons"]:
        console.say(f"  {reason}")
    console.say(f"  report: {outcome['report']}")
    console.say(f"  mail: {outcome['mail']}")


def backfill(flow: str, first: date, last: date, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a flow for each due day that was not run yet."""
    from flows.backfill import backfill as fill
    from flows.backfill import moments

    list(moments(flow, first, last))  # refuses bad dates before anything starts
    ledger = home() / "backfill" / f"{flow}.jsonl"
    return fill(flow, lambda **given: run_flow(flow, flow, **given), first, last, ledger, parameters)
