"""A disk without room, said in the words of whoever can mend it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from base import files
from features.errors import DiskFull


@contextmanager
def room(folder: Path, setting: str) -> Iterator[None]:
    """Write in `folder`, which `setting` names.

    Raises:
        DiskFull: There is no space for it.
    """
    try:
        yield
    except files.DiskFull as exc:
        raise DiskFull(f"no room in {folder}: free some space, or set {setting} to another folder") from exc
