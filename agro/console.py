"""What a person or a script sees: tables and progress on stderr, one JSON document on stdout."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def console(stderr: bool = True) -> "Console":
    """A console; progress and remarks go to stderr."""
    from rich.console import Console

    shown = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if not shown.is_terminal:  # a file or a pipe has no width; rich would take 80 columns and cut the tables
        shown.width = 140
    return shown


def one_of(names: Iterable[str]) -> str:
    """Names to choose from, in words.

    >>> one_of(["purchases", "items", "demand"])
    'purchases, items or demand'
    """
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def say(text: str) -> None:
    """One remark to the person watching."""
    console().print(text, markup=False)


def print_json(document: Any) -> None:
    """The one JSON document that `--json` promises on stdout. NaN becomes null: JSON has none."""
    sys.stdout.write(json.dumps(plain(document), indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """The value in JSON's own types; NaN becomes None, what JSON does not know becomes text."""
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str | int | float) or value is None:
        return value
    if hasattr(value, "item"):  # a numpy scalar
        return plain(value.item())
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], stderr: bool = False) -> None:
    """A table on stdout, or on stderr where stdout is promised to a document."""
    from rich.table import Table

    drawn = Table(*columns, title=title, title_justify="left", header_style="bold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    console(stderr).print(drawn)


@contextmanager
def progress(title: str) -> Iterator[Any]:
    """A progress bar on stderr that `flows.progress.tell` and `models.family.Progress` callers move."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.fields[title]:<18}"),
        BarColumn(24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("", total=1.0, title=title)
        yield lambda share, doing: bar.update(task, completed=share, description=doing)
