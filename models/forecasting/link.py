"""The scale on which a forecaster works: square roots calm counts, whose spread grows with their level."""

import numpy as np

LINKS = ("identity", "sqrt", "log1p")


def choose(asked: str, y: np.ndarray) -> str:
    """The link for a history: "auto" is sqrt where nothing is negative; a link that cannot hold is identity."""
    if np.nanmin(y) < 0:
        return "identity"
    return "sqrt" if asked == "auto" else asked


def to_link(y: np.ndarray, link: str) -> np.ndarray:
    """Values on the scale of a link, same shape."""
    if link == "sqrt":
        return np.sqrt(y)
    return np.log1p(y) if link == "log1p" else y


def from_link(z: np.ndarray, link: str, nonnegative: bool) -> np.ndarray:
    """Back in the unit of y, same shape; where the history has no negative value, neither has a forecast.

    >>> from_link(np.array([-1.0, 3.0]), "sqrt", True)
    array([0., 9.])
    """
    if link == "sqrt":
        return np.maximum(z, 0.0) ** 2
    y = np.expm1(np.minimum(z, 700.0)) if link == "log1p" else z
    return np.maximum(y, 0.0) if nonnegative else y
