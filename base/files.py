"""Writing a file, or putting a folder in its place, so that it is there whole or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
"""What the system calls a disk without room."""


class DiskFull(Exception):
    """No room is left on a disk."""


@contextmanager
def whole(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A file beside `path` to write to; it takes that place where the block ends well, and is gone where it does not.

    Args:
        path: Where the file is to be; its folder is made.
        durable: Whether it must survive a power cut, which costs two flushes to the disk.

    Raises:
        DiskFull: There is no room; nothing is left behind.
    """
    with _room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _draft(path) as draft:
            yield draft
            if durable:
                _sync(draft)
            draft.replace(path)
        if durable:
            sync_folder(path.parent)


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file whole; as `whole`."""
    with whole(path, durable=durable) as draft:
        draft.write_bytes(content)


def create_whole(path: Path, content: bytes) -> None:
    """Write a file whole unless there is one already; of all who try at once, one is first."""
    with _room_for(path), _draft(path) as draft, contextlib.suppress(FileExistsError):
        draft.write_bytes(content)
        os.link(draft, path)


def put(new: Path, place: Path, aside: Path | None = None) -> None:
    """Put what was made elsewhere on the same disk in its place, in one step; what is there makes way, to `aside`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if aside is not None and place.exists():
        place.rename(aside)
    new.rename(place)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` survive a power cut."""
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty file beside `path` that only its owner reads; what is left of it at the end is removed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in FULL:
            raise DiskFull(f"no room on the disk for {path}; free some and run again") from exc
        raise
