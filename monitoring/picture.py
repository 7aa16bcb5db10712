"""The check in one picture, readable in a mail."""

import io
from typing import Any

from monitoring.result import ColumnDrift, DriftResult

INK, QUIET, ALARM, BEFORE, GRID = "#22302a", "#5b8c6e", "#c2452d", "#b9c4bd", "#e4e9e6"
WIDTH_IN, DPI = 8.0, 150
MOST_BARS = 12
MOST_PANELS = 4
LONGEST_BAR = 3.0
"""Bars end here: ten times the limit need not dwarf what is near it."""


def png(result: DriftResult, title: str = "") -> bytes:
    """Draw how near each column is to its limit, and the distributions of the columns that come nearest.

    Args:
        result: The check.
        title: What was checked, for example model and week.

    Returns:
        A PNG of 1,200 pixels' width.
    """
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    ranked = sorted(result.columns, key=lambda column: -column.pressure)
    panels = [column for column in ranked if column.histogram.labels][:MOST_PANELS]
    bars, n_rows = ranked[:MOST_BARS], (len(panels) + 1) // 2
    layout = ConstrainedLayoutEngine(h_pad=0.09, w_pad=0.06)
    heights = [0.9 + 0.36 * len(bars)] + [2.3] * n_rows
    figure = Figure(figsize=(WIDTH_IN, sum(heights) + 0.9), dpi=DPI, layout=layout, facecolor="white")
    grid = figure.add_gridspec(1 + n_rows, 2, height_ratios=heights)
    _draw_bars(figure.add_subplot(grid[0, :]), bars)
    for n, column in enumerate(panels):
        _draw_distribution(figure.add_subplot(grid[1 + n // 2, n % 2]), column, legend=n == 0)
    heading = result.headline if not title else f"{title}\n{result.headline}"
    figure.suptitle(
        heading, x=0.02, ha="left", fontsize=12, linespacing=1.5, color=ALARM if result.alarm else INK, weight="bold"
    )
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _draw_bars(axes: Any, columns: list[ColumnDrift]) -> None:
    names = [column.column for column in columns][::-1]
    sizes = [column.pressure for column in columns][::-1]
    colours = [ALARM if column.alarm else QUIET for column in columns][::-1]
    axes.barh(names, [min(size, LONGEST_BAR) for size in sizes], color=colours, height=0.62)
    axes.axvline(1.0, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_xlim(0, LONGEST_BAR * 1.12)
    for row, size in enumerate(sizes):
        axes.text(min(size, LONGEST_BAR) + 0.04, row, f"{size:.2f}", va="center", fontsize=9.5, color=INK)
    axes.set_title("Change against what quiet weeks show (1 = the limit)", loc="left", fontsize=10.5, color=INK)
    axes.set_xticks([0, 1, 2, 3])
    _tidy(axes, lines="x")


def _draw_distribution(axes: Any, column: ColumnDrift, *, legend: bool) -> None:
    shown = column.histogram
    places = range(len(shown.labels))
    if column.kind == "category":
        _side_by_side(axes, column, len(shown.labels))
    else:
        axes.bar(places, shown.reference, width=0.95, color=BEFORE, label="reference")
        axes.step(places, shown.current, where="mid", color=ALARM if column.alarm else QUIET, linewidth=2, label="week")
        step = max(1, len(shown.labels) // 6)
        axes.set_xticks(list(places)[::step], shown.labels[::step])
    axes.set_title(column.column, loc="left", fontsize=10.5, color=ALARM if column.alarm else INK, weight="bold")
    axes.set_yticks(axes.get_yticks(), [f"{share:.0%}" for share in axes.get_yticks()])
    if legend:
        axes.legend(frameon=False, fontsize=9)
    _tidy(axes)


def _side_by_side(axes: Any, column: ColumnDrift, n: int) -> None:
    shown = column.histogram
    axes.bar([x - 0.2 for x in range(n)], shown.reference, width=0.4, color=BEFORE, label="reference")
    colour = ALARM if column.alarm else QUIET
    axes.bar([x + 0.2 for x in range(n)], shown.current, width=0.4, color=colour, label="week")
    axes.set_xticks(range(n), [label.capitalize()[:14] for label in shown.labels], rotation=40, ha="right")


def _tidy(axes: Any, lines: str = "y") -> None:
    axes.tick_params(labelsize=9, colors=INK, length=0)
    axes.set_axisbelow(True)
    axes.grid(axis=lines, color=GRID, linewidth=0.8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
