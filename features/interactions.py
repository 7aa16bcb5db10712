"""The recommender's training set: who did what with which product, and the catalogue beside it."""

from datetime import datetime

import pyarrow as pa

from features.settings import StorageSettings
from features.snapshot import Snapshot, Window, freeze, take
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
        "rating": pa.float64(),
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
        Columns user_id, item_id, timestamp (UTC), event_type, quantity (units), price (of one unit) and rating (on
        the marketplace's own scale), the last two missing where the event had none; oldest first.

    Raises:
        EmptyTrainingSet: Nothing had happened, or nothing was known.
    """
    window = Window.of(as_of, known_at)
    text = query("interactions")
    rows = store.arrow(text, window.params()).select(SCHEMA.names).cast(SCHEMA)
    folder = (storage or StorageSettings()).snapshots
    return take("interactions", rows, text, window, order=("timestamp", "user_id", "item_id"), folder=folder)


def catalogue(
    store: Store, as_of: datetime, known_at: datetime | None = None, storage: StorageSettings | None = None
) -> Snapshot:
    """Take a snapshot of the descriptions that go with the interactions.

    What was described after `as_of` counts too: it says what a thing is, not what will happen to it. Once a description
    has been replaced, the store may drop it; the snapshot keeps it.

    Args:
        store: Where the descriptions are.
        as_of: Remembered with the snapshot; it leaves nothing out.
        known_at: Descriptions that arrived after this time are left out; None is now.
        storage: Where the snapshot is kept; None takes the settings.

    Returns:
        Columns item_id, department, category, type, brand, package_size, title, price, seller, season, stock; all text,
        empty where unknown, price and stock missing; one row an item, ordered by item_id. No rows where nothing is
        described.
    """
    window = Window.of(as_of, known_at)
    text = query("catalogue")
    rows = store.arrow(text, window.params())
    rows = rows.cast(pa.schema({name: pa.string() for name in rows.column_names}))
    folder = (storage or StorageSettings()).snapshots
    return freeze("catalogue", rows, text, window, order=("item_id",), folder=folder)
