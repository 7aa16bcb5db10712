"""What is deployed per model, and what was: one small file each, and a line of history for every change."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from base.files import write_whole
from bentos.bento import Bento
from models.families import models


@dataclass(frozen=True)
class Deployed:
    """A model version that serves."""

    model: str
    version: str
    tag: str
    digest: str
    port: int
    since: str
    """UTC, ISO 8601."""


def record(bento: Bento, port: int, folder: Path) -> Deployed:
    """Write down that a Bento serves from now on.

    Args:
        bento: The Bento.
        port: The port it serves on.
        folder: `ServingSettings.deployed`.
    """
    since = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = Deployed(bento.model, bento.version, bento.tag, bento.digest, port, since)
    line = json.dumps(asdict(entry))
    folder.mkdir(parents=True, exist_ok=True)
    _append(folder / f"{entry.model}.history.jsonl", line)
    write_whole(folder / f"{entry.model}.json", f"{line}\n".encode())
    return entry


def current(model: str, folder: Path) -> Deployed | None:
    """What serves for a model; None where nothing was ever deployed, or nothing that can be read (see `damaged`)."""
    return everything(folder).get(model)


def everything(folder: Path) -> dict[str, Deployed]:
    """What serves, by model; a record that other hands damaged is left out."""
    found = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    return {model: entry for model, entry in found.items() if isinstance(entry, Deployed)}


def damaged(folder: Path) -> dict[str, str]:
    """What is wrong with the records that cannot be read, by model."""
    found = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    return {model: wrong for model, wrong in found.items() if isinstance(wrong, str)}


def _read(path: Path) -> Deployed | str:
    """The record in a file, or what is wrong with it."""
    try:
        entry = Deployed(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as exc:
        return f"{path} cannot be read ({exc})"
    if entry.model != path.stem or entry.model not in models():
        return f"{path} is about {entry.model!r}, of which this platform knows nothing"
    wrong = [row.name for row in fields(entry) if type(getattr(entry, row.name)) is not row.type]
    return f"{path} has a wrong {' and '.join(wrong)}" if wrong else entry


def tags(model: str, folder: Path) -> set[str]:
    """The Bento of a model that serves, by the record and, where that is damaged, by the last line of its history."""
    found = [current(model, folder), *history(model, folder)[-1:]]
    return {entry.tag for entry in found if entry}


def history(model: str, folder: Path) -> list[Deployed]:
    """What served, oldest first; a line that a crash cut short is left out."""
    path = folder / f"{model}.history.jsonl"
    return list(_readable(path.read_text().splitlines())) if path.exists() else []


def _readable(lines: list[str]) -> Iterator[Deployed]:
    for line in lines:
        try:
            yield Deployed(**json.loads(line))
        except (ValueError, TypeError):
            continue


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(("" if _ends_whole(path) else "\n") + line + "\n")
        file.flush()
        os.fsync(file.fileno())


def _ends_whole(path: Path) -> bool:
    return not path.stat().st_size or path.read_bytes().endswith(b"\n")
