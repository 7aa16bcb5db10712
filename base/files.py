"""Writing a file so that it is there whole or not at all."""

import errno
import os
import tempfile
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
"""What the system calls a disk without room."""


class DiskFull(Exception):
    """No room is left on a disk."""


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` beside `path`, flush it to the disk, then rename it into place.

    Raises:
        DiskFull: There is no room; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, content)
    except OSError as exc:
        if exc.errno in FULL:
            raise DiskFull(f"no room on the disk for {path} ({len(content):,} bytes); free some and run again") from exc
        raise


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
