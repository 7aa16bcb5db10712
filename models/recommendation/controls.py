"""What a marketplace asks of a list beside being liked: not all of one kind."""

import numpy as np

DEPTH = 10
"""How many times the wanted length is looked through for items of other kinds."""


def at_most_per_category(ranked: np.ndarray, category: np.ndarray, most: int, n: int) -> np.ndarray:
    """The first n of a ranking with at most `most` of any category; −1 where none is left.

    Args:
        ranked: Item positions, best first; −1 marks the end, shape (n_ranked,).
        category: Code of every item's category, −1 where it has none, which is never limited, shape (n_items,).
        most: Items allowed per category.
        n: Items wanted.

    Returns:
        Item positions in the same order, shape (n,).

    >>> at_most_per_category(np.array([3, 1, 2, 0]), np.array([5, 7, 7, 7]), 1, 3)
    array([ 3,  0, -1])
    """
    shown: dict[int, int] = {}
    kept: list[int] = []
    for item in ranked[ranked >= 0]:
        kind = int(category[item])
        shown[kind] = shown.get(kind, 0) + 1
        if kind < 0 or shown[kind] <= most:
            kept.append(int(item))
        if len(kept) == n:
            break
    return np.array(kept + [-1] * (n - len(kept)))
