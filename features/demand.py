"""The forecaster's training set: units a day of each series, with what is known to drive them."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from features.settings import StorageSettings
from features.snapshot import Snapshot, Window, take
from features.sql import query
from features.store import Store

_NAMED = ("known_promo_share", "known_price_usd")  # regressors with a column of their own


def demand(
    store: Store, as_of: datetime, known_at: datetime | None = None, storage: StorageSettings | None = None
) -> Snapshot:
    """Take a snapshot of daily demand.

    Args:
        store: Where the series are.
        as_of: Days that were not over by this time are left out.
        known_at: Rows that arrived after this time are left out; a later correction does not count. None is now.
        storage: Where the snapshot is kept; None takes the settings.

    Returns:
        Columns series_id, ds (midnight UTC, without a zone), y (units), department where any series has one, then a
        column for each regressor that has a value anywhere. Ordered by series and day; days without a value are absent.

    Raises:
        EmptyTrainingSet: No day was over, or none was known.
    """
    window = Window.of(as_of, known_at)
    text = query("demand")
    rows = flat(store.arrow(text, window.params()))
    folder = (storage or StorageSettings()).snapshots
    return take("demand", rows, text, window, order=("series_id", "ds"), folder=folder)


def flat(table: pa.Table) -> pa.Table:
    """Rows of `demand.sql` with a column for each regressor in place of the map.

    Args:
        table: Columns series_id, ds, y, department, known_promo_share, known_price_usd, regressors (a map).

    Returns:
        The same rows; regressors in alphabetical order after the named ones; columns without any value left out.
    """
    columns = {
        "series_id": table["series_id"].cast(pa.string()),
        "ds": table["ds"].cast(pa.date32()).cast(pa.timestamp("ns")),
        "y": table["y"].cast(pa.float64()),
    }
    department = table["department"].cast(pa.string())
    if pc.any(pc.not_equal(department, "")).as_py():
        columns["department"] = department
    for name, values in _regressors(table).items():
        if values.null_count < len(values):
            columns[name] = values
    return pa.table(columns)


def _regressors(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    named = {name: table[name].cast(pa.float64()) for name in _NAMED}
    maps = table["regressors"].cast(pa.map_(pa.string(), pa.float64()))
    names = {name for chunk in maps.chunks for name in chunk.keys.to_pylist()} - {*_NAMED, *table.column_names}
    return named | {name: pc.map_lookup(maps, pa.scalar(name), "last") for name in sorted(names)}
