"""How an item is called, and what kind of thing it is."""

from typing import Any

import numpy as np
import pandas as pd

NAMES = ("title", "product_type", "type", "name", "product_category", "category")
"""Columns that name an item, the most telling first."""
CATEGORIES = ("product_category", "category", "genres", "department")
"""Columns that say what kind of thing an item is, the finest first."""


def labels(items: pd.DataFrame | None, ids: np.ndarray[Any, np.dtype[np.object_]]) -> pd.DataFrame:
    """item_id, title and category of each id, in their order; an item without a name is called by its id."""
    table = pd.DataFrame({"item_id": ids, "title": ids, "category": ""})
    if items is None:
        return table
    known = items.assign(item_id=items["item_id"].astype(str)).drop_duplicates("item_id").set_index("item_id")
    for target, columns in (("title", NAMES), ("category", CATEGORIES)):
        for column in reversed([c for c in columns if c in known.columns]):
            values = known[column].reindex(ids).to_numpy(dtype=object)
            told = np.array([isinstance(value, str) and bool(value.strip()) for value in values])
            table.loc[told, target] = values[told]
    return table
