"""What the pictures of models have in common."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREEN, GREY = "#2e7d32", "#9e9e9e"


def axes_of(title: str) -> tuple["Figure", Any]:
    """A figure with one set of axes under a title, without a frame above and to the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
