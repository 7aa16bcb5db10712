"""The recommender's training set: who did what with which product, and the catalogue beside it."""

from datetime import datetime

import pandas as pd
import pyarrow as pa

from features.settings import StorageSettings
from features.snapshot import Snapshot, Window, take
from features.sql import query
from features.store import Store

SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "item_id": pa.string(),
        "timestamp": pa.timestamp("ms", "UTC"),
        "event_type": pa.string(),
        "quantity": pa.float64(),
        "price": pa.float64(),
    }
)


def interactions(
    store: Store, as_of: datetime, known_at: datetime | None = None, storage: StorageSettings | None = None
) -> Snapshot:
    """Take a snapshot of all that people did with products.

    Args:
        store: Where the events are.
        as_of: Events from this time on are left out.
        known_at: Rows that arrived after this time are left out; None is now.
        storage: Where the snapshot is kept; None takes the settings.

    Returns:
        Columns user_id, item_id, timestamp (UTC), event_type, quantity (units) and price (of one unit; missing where
        the event had none), oldest first.

    Raises:
        EmptyTrainingSet: Nothing had happened, or nothing was known.
    """
    window = Window.of(as_of, known_at)
    text = query("interactions")
    rows = store.arrow(text, window.params()).select(SCHEMA.names).cast(SCHEMA)
    folder = (storage or StorageSettings()).snapshots
    return take("interactions", rows, text, window, order=("timestamp", "user_id", "item_id"), folder=folder)


def items(store: Store) -> pd.DataFrame:
    """The catalogue as it is now.

    Returns:
        Columns item_id, department, category, type, brand, package_size, title; all text, empty where unknown; one row
        an item, ordered by item_id.
    """
    table = store.arrow(query("items"))
    return table.cast(pa.schema({name: pa.string() for name in table.column_names})).to_pandas()
