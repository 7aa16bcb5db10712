"""What an item is, as the catalogue and its sales tell it: features for items that few or none have bought."""

import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from models.recommendation.catalogue import rows_of
from models.recommendation.events import Events
from models.recommendation.season import selling_months

FEWEST_ITEMS = 3
"""Items a token must occur in."""
MOST_TOKENS = 1500
PRICE_BANDS = 10
NO_FEATURES = ("item_id", "currency", "stock")
GENRES = ("genres", "product_category", "category", "type", "product_type", "department")


def features(
    items: pd.DataFrame, events: Events, columns: tuple[str, ...] | None = None, observed: bool = False
) -> sp.csr_matrix:
    """TF-IDF of what is known of each item of the events, rows of length 1, shape (n_items, n_tokens).

    Words of text, each listed genre, each cell as a whole, the year and decade in a title and the band of a price are
    tokens of their column of the catalogue. With `observed`, events add the band of the price that was paid, where the
    catalogue names none, and the months in which an item sells best: they tell items with buyers apart, and mislead
    where items without any are compared. An item of which nothing is known has an empty row.
    """
    rows = rows_of(items, events.items)
    wanted = [c for c in rows.columns if c not in NO_FEATURES and (columns is None or c in columns)]
    lists = [_tokens(str(column), rows[column]) for column in wanted]
    if observed:
        lists += _observed(events, rows)
    empty: list[list[str]] = [[] for _ in events.items]
    return _tf_idf([set().union(*cells) for cells in zip(*(lists or [empty]), strict=True)])


def _observed(events: Events, rows: pd.DataFrame) -> list[list[list[str]]]:
    """Tokens of what the events tell of each item."""
    months = [[f"month={month}" for month in best] for best in selling_months(events)]
    paid = prices_paid(events)
    if "price" in rows.columns:
        paid[np.isfinite(pd.to_numeric(rows["price"], errors="coerce").to_numpy(dtype=float))] = np.nan
    return [months, _bands("price", paid)]


def prices_paid(events: Events) -> np.ndarray:
    """Median price of one unit of each item, NaN where no event names one, shape (n_items,)."""
    given = np.isfinite(events.price)
    paid = pd.Series(events.price[given]).groupby(events.item[given]).median()
    return paid.reindex(np.arange(events.shape[1])).to_numpy(dtype=float)


def _tokens(name: str, column: pd.Series) -> list[list[str]]:
    values = column.to_numpy(dtype=object)
    if name.startswith("price"):
        return _bands(name, pd.to_numeric(column, errors="coerce").to_numpy(dtype=float))
    seen: dict[Any, list[str]] = {}
    for value in values:
        if value not in seen:
            told = value is not None and value == value and str(value).strip()
            seen[value] = _words(name, str(value)) if told else []
    return [seen[value] for value in values]


def _words(name: str, text: str) -> list[str]:
    low = text.lower().strip()
    if "|" in low:
        return [f"{name}={part.strip()}" for part in low.split("|")]
    words = [f"{name}:{word}" for word in re.findall(r"[^\W_]{2,}", low)]
    years = re.findall(r"\b(?:19|20)\d\d\b", low)[-1:]
    return [f"{name}={low}", *words, *(f"decade={year[:3]}" for year in years), *(f"year={year}" for year in years)]


def _bands(name: str, price: np.ndarray) -> list[list[str]]:
    given = np.isfinite(price)
    if not given.any():
        return [[] for _ in price]
    edges = np.quantile(price[given], np.linspace(0, 1, PRICE_BANDS + 1)[1:-1])
    band = np.searchsorted(edges, price)
    return [[f"{name}#{band[row]}"] if given[row] else [] for row in range(len(price))]


def _tf_idf(documents: list[set[str]]) -> sp.csr_matrix:
    """Over the commonest tokens, those of equal number by name: `max_features` would take any of them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    n = Counter(token for document in documents for token in document)
    common = sorted((token for token in n if n[token] >= FEWEST_ITEMS), key=lambda token: (-n[token], token))
    if not common:
        return sp.csr_matrix((len(documents), 1), dtype=np.float32)
    vectorizer = TfidfVectorizer(analyzer=sorted, vocabulary=common[:MOST_TOKENS], smooth_idf=False)
    return sp.csr_matrix(vectorizer.fit_transform(documents), dtype=np.float32)


def similar_popularity(features_of: sp.csr_matrix, popular: np.ndarray) -> np.ndarray:
    """Mean number of buyers of the items like each item, weighted by cosine: what cold items must be better than."""
    sold = (popular > 0).astype(np.float32)
    likeness = features_of @ (features_of.T @ sold)
    return np.asarray((features_of @ (features_of.T @ popular)) / np.maximum(likeness, 1e-9), dtype=np.float32)
