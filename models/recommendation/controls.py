"""What a marketplace asks of a list beside being liked: not all of one kind, and a place for what is new."""

from dataclasses import dataclass

import numpy as np

from models.recommendation.metrics import top

DEPTH = 10
"""How many times the wanted length is looked through at first for items of other kinds."""


@dataclass(frozen=True)
class Shelf:
    """What the controls know of every item: the code of its category, −1 where it has none, and whether it is new."""

    kind: np.ndarray
    new: np.ndarray


def pick(scores: np.ndarray, n: int, shelf: Shelf, max_per_category: int | None = None, min_new: int = 0) -> np.ndarray:
    """Positions of the n best items with at most so many of a category and at least so many new ones, best first.

    Args:
        scores: Score of every item, −inf for what may not be shown, shape (n_items,).
        n: Items wanted.
        shelf: Categories and news; an item without a category is never limited.
        max_per_category: Most items of a category; None is no limit.
        min_new: Fewest new items, where so many can be shown.

    Returns:
        Item positions, shape (n,) or fewer where fewer are left.

    >>> shelf = Shelf(np.array([0, 0, 1, 1]), np.array([False, False, False, True]))
    >>> pick(np.array([4.0, 3.0, 2.0, 1.0]), 2, shelf, max_per_category=1).tolist()
    [0, 2]
    >>> pick(np.array([4.0, 3.0, 2.0, 1.0]), 2, shelf, min_new=1).tolist()
    [0, 3]
    """
    most = n if max_per_category is None else max_per_category
    found: list[int] = []
    if min_new:
        found = _first(np.where(shelf.new, scores, -np.inf), min(min_new, n), shelf.kind, most, [])
    found = _first(scores, n, shelf.kind, most, found)
    return np.array(sorted(found, key=lambda item: (-scores[item], item)), dtype=int)


def _first(scores: np.ndarray, n: int, kind: np.ndarray, most: int, given: list[int]) -> list[int]:
    """`given`, filled up to n with the best items that the limit lets through; looks deeper until it has them."""
    depth = n if most >= n else n * DEPTH
    while True:
        ranked = top(scores[None, :], depth + len(given))[0]
        kept = _let_through(ranked, n, kind, most, given)
        if len(kept) == n or depth >= len(scores):
            return kept
        depth *= DEPTH


def _let_through(ranked: np.ndarray, n: int, kind: np.ndarray, most: int, given: list[int]) -> list[int]:
    kept = list(given)
    shown: dict[int, int] = {}
    for item in given:
        shown[int(kind[item])] = shown.get(int(kind[item]), 0) + 1
    for item in ranked[ranked >= 0]:
        if len(kept) == n:
            break
        code = int(kind[item])
        if item in given or (code >= 0 and shown.get(code, 0) >= most):
            continue
        shown[code] = shown.get(code, 0) + 1
        kept.append(int(item))
    return kept
