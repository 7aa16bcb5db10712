"""Rows that were not taken, in a file that says where each stood and why."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow.csv as pacsv

from base.files import whole
from features.disk import room
from features.reading import Rejected

MOST_REASONS = 5
"""So many are told; the file has all."""
_MOST_LINES = 3


@dataclass(frozen=True)
class Reason:
    """What was held against some rows: how many, and the first of their lines."""

    reason: str
    rows: int
    lines: tuple[int, ...]


def reasons(rejected: Rejected) -> tuple[Reason, ...]:
    """The reasons that were held against rows, the most frequent first."""
    lines: dict[str, list[int]] = {}
    ordered = rejected.table.sort_by("line")
    for line, reason in zip(ordered["line"].to_pylist(), ordered["reason"].to_pylist(), strict=True):
        lines.setdefault(reason, []).append(line)
    most = sorted(lines, key=lambda reason: -len(lines[reason]))
    return tuple(Reason(reason, len(lines[reason]), tuple(lines[reason][:_MOST_LINES])) for reason in most)


def write_rejects(rejected: Rejected, folder: Path, kind: str, source: str) -> Path | None:
    """Write `line,reason,text` to a CSV named after the source; None where nothing was rejected.

    The same source writes the same file, so a second run replaces what the first one wrote.

    Raises:
        DiskFull: There is no space for it.
    """
    path = folder / f"{kind}-{Path(source).stem}-{sha256(source.encode()).hexdigest()[:8]}.csv"
    if not len(rejected):
        path.unlink(missing_ok=True)
        return None
    with room(folder, "AGRO_STORAGE_REJECTS"), whole(path) as draft:
        pacsv.write_csv(rejected.table.sort_by("line"), draft)
    return path
