"""Files of format 2, which do not name the algorithm that ranks: it is told from the arrays that it saved."""

from typing import Any

import numpy as np


def upgraded(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays as a later format has them."""
    return header | {"ranker": _ranker(arrays)}, arrays | {"ranker_over": np.array(_side(arrays))}


def _ranker(arrays: dict[str, np.ndarray]) -> str:
    if "ranker_strength" in arrays:
        return "popularity"
    if "ranker_line" in arrays:
        return "hybrid"
    return "content" if "ranker_crowd" in arrays else "collaborative"


def _side(arrays: dict[str, np.ndarray]) -> str:
    if "ranker_coefficients" in arrays:
        return "users"
    return "items" if "ranker_links_indptr" in arrays else "none"
