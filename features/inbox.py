"""Files and folders that wait under `inbox/KIND/`: which are whole, and where they go when they were looked at."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from base.files import write_whole
from features.kinds import inputs

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Item:
    """A file, or a folder with files, that waits to be loaded as `kind`; `signature` is how it looked."""

    kind: str
    path: Path
    signature: Signature

    @property
    def unchanged(self) -> bool:
        """Whether it looks as it did."""
        return _signature(self.path) == self.signature

    @property
    def in_parts(self) -> bool:
        """Whether somebody says that it, or a file in it, is not whole yet."""
        return any(name.endswith(".part") for name, *_ in self.signature)

    def __str__(self) -> str:
        return f"{self.kind}/{self.path.name}"


def waiting(inbox: Path, settle: Callable[[], None]) -> list[Item]:
    """What waits and is whole, by kind and name.

    What changes while `settle` waits is still being written, and so is what is named `.…` or `….part`, or a folder that
    holds such a file, or none yet: all that is left for another time.
    """
    found = [
        Item(kind, path, _signature(path))
        for kind in inputs()
        for path in sorted((inbox / kind).glob("*"))
        if not path.name.startswith(".")
    ]
    found = [item for item in found if item.signature and not item.in_parts]
    if found:
        settle()
    return [item for item in found if item.unchanged]


def done(inbox: Path, item: Item) -> Path:
    """Move what was loaded to `inbox/done/KIND/`."""
    return _move(item.path, inbox / "done" / item.kind)


def refuse(inbox: Path, item: Item, reason: str) -> Path:
    """Move what cannot be loaded to `inbox/refused/KIND/`, with a `.reason.txt` beside it."""
    folder = inbox / "refused" / item.kind
    target = _free(folder / item.path.name)
    write_whole(folder / f"{target.name}.reason.txt", f"{reason}\n".encode())
    return Path(shutil.move(item.path, target))


def _move(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(path, _free(folder / path.name)))


def _free(path: Path) -> Path:
    """The path itself, or one beside it where another file has that name."""
    if not path.exists():
        return path
    return path.with_name(f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}{path.suffix}")


def _signature(path: Path) -> Signature:
    """Names, sizes and times of the file, or of all files in the folder; nothing where it is gone."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    try:
        stats = [(each, each.stat()) for each in files]
    except FileNotFoundError:
        return ()
    return tuple((str(each.relative_to(path.parent)), stat.st_size, stat.st_mtime_ns) for each, stat in stats)
