"""Files and folders that wait under `inbox/KIND/`: which are whole, and where they go when they were looked at."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from base.files import write_whole
from features.kinds import inputs

DONE, REFUSED = "done", "refused"
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Item:
    """A file, or a folder with files, that waits to be loaded as `kind`; `signature` is how it looked."""

    kind: str
    """What its files are called; empty where it lies in no folder of a kind."""
    path: Path
    signature: Signature
    wrong: str = ""
    """Why it is not even tried."""

    @property
    def unchanged(self) -> bool:
        """Whether it looks as it did."""
        return _signature(self.path) == self.signature

    @property
    def in_parts(self) -> bool:
        """Whether somebody says that it, or a file in it, is not whole yet."""
        return any(name.endswith(".part") for name, *_ in self.signature)

    def __str__(self) -> str:
        return f"{self.kind}/{self.path.name}" if self.kind else self.path.name


def waiting(inbox: Path, settle: Callable[[], None]) -> list[Item]:
    """What waits and is whole, by kind and name.

    What changes while `settle` waits is still being written, and so is what is named `.…` or `….part`, or a folder that
    holds such a file, or none yet: all that is left for another time. No link is followed.
    """
    found = [_item(kind, path) for kind in inputs() if not (inbox / kind).is_symlink() for path in _in(inbox / kind)]
    found += [_stray(path) for path in strays(inbox)]
    found = [item for item in found if item.signature and not item.in_parts]
    if found:
        settle()
    return [item for item in found if item.unchanged]


def strays(inbox: Path) -> list[Path]:
    """What lies in no folder of a kind."""
    ours = {*inputs(), DONE, REFUSED}
    return [path for path in _in(inbox) if path.name not in ours or path.is_symlink()]


def set_aside(inbox: Path) -> list[str]:
    """What was refused and lies there still, by kind and name."""
    folder = inbox / REFUSED
    reasons = sorted(path for path in folder.rglob("*.reason.txt") if path.parent in (folder, *_in(folder)))
    found = [path.with_name(path.name.removesuffix(".reason.txt")) for path in reasons]
    return [str(path.relative_to(folder)) for path in found if path.exists() or path.is_symlink()]


def _in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*")) if not path.name.startswith(".")]


def _item(kind: str, path: Path) -> Item:
    links = [each for each in (path, *path.rglob("*")) if each.is_symlink()]
    wrong = f"{links[0].relative_to(path.parent)} is a symbolic link: put what it stands for there" if links else ""
    return Item(kind, path, _signature(path), wrong)


def _stray(path: Path) -> Item:
    known = f"{path.name!r} is not a kind of input; there are {', '.join(inputs())}: put files into the folder of one"
    item = _item("", path)
    return item if item.wrong else replace(item, wrong=known)


def done(inbox: Path, item: Item) -> Path:
    """Move what was loaded to `inbox/done/KIND/`."""
    return _move(item.path, inbox / DONE / item.kind)


def refuse(inbox: Path, item: Item, reason: str) -> Path:
    """Move what cannot be loaded to `inbox/refused/KIND/`, with a `.reason.txt` beside it."""
    folder = inbox / REFUSED / item.kind
    target = _free(folder / item.path.name)
    write_whole(folder / f"{target.name}.reason.txt", f"{reason}\n".encode())
    return Path(shutil.move(item.path, target))


def _move(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(path, _free(folder / path.name)))


def _free(path: Path) -> Path:
    """The path itself, or one beside it where another file has that name."""
    if not (path.exists() or path.is_symlink()):
        return path
    return path.with_name(f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}{path.suffix}")


def _signature(path: Path) -> Signature:
    """Names, sizes and times of the file, or of all files in the folder; nothing where it is gone."""
    whole = path.is_dir() and not path.is_symlink()
    files = sorted(each for each in path.rglob("*") if each.is_file() or each.is_symlink()) if whole else [path]
    try:
        stats = [(each, each.lstat()) for each in files]
    except FileNotFoundError:
        return ()
    return tuple((str(each.relative_to(path.parent)), stat.st_size, stat.st_mtime_ns) for each, stat in stats)
