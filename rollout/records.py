"""What earlier versions of the platform wrote down of what serves: JSON files, with lines of history beside them."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from rollout.row import Event, Row


def read(folder: Path) -> list[Row]:
    """The rows that the files of a folder amount to; what cannot be read is left out."""
    lines = [line for path in sorted(folder.glob("*.history.jsonl")) for line in _lines(path)]
    latest = [line for path in sorted(folder.glob("*.json")) for line in _lines(path)]
    rows = sorted((row for line in lines for row in _row(line)), key=lambda row: row.at)
    known = {(row.model, row.at) for row in rows}
    return rows + [row for line in latest for row in _row(line) if (row.model, row.at) not in known]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, ValueError):
        return []


def _row(line: str) -> Iterator[Row]:
    """The row of a line, if it is one."""
    try:
        found: dict[str, Any] = json.loads(line)
        yield Row(
            model=found["model"],
            event=Event.SERVES,
            version=int(found["version"]),
            arm="champion",
            tag=found["tag"],
            digest=found["digest"],
            port=int(found["port"]),
            at=datetime.fromisoformat(found["since"]),
        )
    except (ValueError, TypeError, KeyError):
        return
