"""Run a flow once for each past day or week, where a run was broken off going on with the first one that is missing."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from flows.errors import FlowsError
from models.families import models

_MOMENT = {"drift": "since"}


def step_days() -> dict[str, int]:
    """Days between two runs of a flow, as its schedule has them; a week for drift, which looks at whole weeks."""
    return {**{record.flow: record.every_days for record in models().values()}, "drift": 7, "predict": 1}


class CannotBackfill(FlowsError):
    """The flow has no past, or the dates are the wrong way round."""


def moments(flow_name: str, first: date, last: date) -> Iterator[datetime]:
    """The moments a backfill runs at: midnight UTC of each due day from `first` to `last`, both included.

    Raises:
        CannotBackfill: The flow takes no moment, or `first` is after `last`.

    >>> [f"{moment:%d %H}" for moment in moments("train-recommender", date(2026, 1, 30), date(2026, 1, 31))]
    ['30 00', '31 00']
    """
    step = step_days().get(flow_name)
    if step is None:
        raise CannotBackfill(f"flow {flow_name!r} cannot be backfilled; choose one of {', '.join(step_days())}")
    if first > last:
        raise CannotBackfill(f"--from {first} is after --to {last}; swap them")
    day = first
    while day <= last:
        yield datetime.combine(day, time(), UTC)
        day += timedelta(days=step)


def backfill(
    flow_name: str,
    run: Callable[..., dict[str, Any]],
    first: date,
    last: date,
    ledger: Path,
    parameters: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Run `run` at each due moment that the ledger does not hold yet.

    Args:
        flow_name: Name of the flow, see `flows.catalogue`.
        run: The flow.
        first: First day.
        last: Last day, included.
        ledger: File of finished runs, one JSON document a line; it makes a second call go on where the first stopped.
        parameters: Further parameters of the flow.

    Returns:
        A row for every moment: the moment, whether it ran now, and the outcome.
    """
    parameters = parameters or {}
    done = _read(ledger)
    rows = []
    for moment in moments(flow_name, first, last):
        key = json.dumps([flow_name, moment.isoformat(), parameters], sort_keys=True)
        ran = key not in done
        if ran:
            done[key] = run(**{_MOMENT.get(flow_name, "as_of"): moment}, **parameters)
            _append(ledger, key, done[key])
        rows.append({"moment": moment.isoformat(), "ran": ran, "outcome": done[key]})
    return rows


def _read(ledger: Path) -> dict[str, Any]:
    if not ledger.exists():
        return {}
    lines = [json.loads(line) for line in ledger.read_text().splitlines() if line.endswith("}")]
    return {line["key"]: line["outcome"] for line in lines}


def _append(ledger: Path, key: str, outcome: dict[str, Any]) -> None:
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with ledger.open("a") as file:
        file.write(json.dumps({"key": key, "outcome": outcome}, default=str) + "\n")
