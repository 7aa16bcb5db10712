"""How an item is called, what kind of thing it is, who sells it, and whether there is any."""

from typing import Any

import numpy as np
import pandas as pd

NAMES = ("title", "product_type", "type", "name", "product_category", "category")
"""Columns that name an item, the most telling first."""
CATEGORIES = ("product_category", "category", "genres", "department")
"""Columns that say what kind of thing an item is, the finest first."""
SELLERS = ("seller", "seller_id", "farm", "producer", "vendor")
STOCK = "stock"
"""Column of the units that are left; an item with 0 is not offered, one without a number is."""

Ids = np.ndarray[Any, np.dtype[np.object_]]


def labels(items: pd.DataFrame | None, ids: Ids) -> pd.DataFrame:
    """item_id, title, category and seller of each id, in their order; an item without a name is called by its id."""
    table = pd.DataFrame({"item_id": ids, "title": ids, "category": "", "seller": ""})
    if items is None:
        return table
    known = rows_of(items, ids)
    for target, columns in (("title", NAMES), ("category", CATEGORIES), ("seller", SELLERS)):
        for column in reversed([c for c in columns if c in known.columns]):
            values = known[column].to_numpy(dtype=object)
            told = np.array([isinstance(value, str) and bool(value.strip()) for value in values])
            table.loc[told, target] = values[told]
    return table


def rows_of(items: pd.DataFrame, ids: Ids) -> pd.DataFrame:
    """The catalogue's row of each id, in their order; missing cells where it has none."""
    return (
        items.assign(item_id=items["item_id"].astype(str)).drop_duplicates("item_id").set_index("item_id").reindex(ids)
    )


def in_stock(items: pd.DataFrame | None, ids: Ids) -> np.ndarray:
    """Mask of the ids that the catalogue does not call sold out, shape (n_ids,)."""
    if items is None or STOCK not in items.columns:
        return np.ones(len(ids), bool)
    left = pd.to_numeric(rows_of(items, ids)[STOCK], errors="coerce").to_numpy(dtype=float)
    return ~(left <= 0)
