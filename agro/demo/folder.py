"""Which demo the folder holds: other data begin in an empty one, and what was there is set aside, never deleted."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from agro import platform
from agro.demo.source import Source
from agro.errors import PlatformDown
from base.files import put, write_whole
from base.home import home

_KEPT = {"cache", "set-aside"}


def _record() -> Path:
    return home() / "demo" / "loaded.json"


def _identity(chosen: Source) -> dict[str, str | int]:
    return {"source": chosen.name, "shift_weeks": chosen.shift_weeks}


def make_room(chosen: Source, tell: Callable[[str], None]) -> Path | None:
    """Set the folder's content aside unless it is empty or holds this very demo.

    Two data sets in one database, or one at two dates, would teach the models nonsense.

    Returns:
        Where the earlier content went, None if it stays.
    """
    if _held() in (None, _identity(chosen)):
        _write(chosen)
        return None
    with suppress(PlatformDown):
        platform.stop(tell)
    aside = home() / "set-aside" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    aside.mkdir(parents=True)
    for path in home().iterdir():
        if path.name not in _KEPT:
            put(path, aside / path.name)
    tell(f"the platform held other data; it is set aside in {aside} (AGRO_HOME={aside} agro up brings it back)")
    _write(chosen)
    return aside


def _held() -> dict[str, str | int] | None:
    """What the folder holds: a demo's identity, `{}` for somebody's own data, None for nothing."""
    if _record().exists():
        return json.loads(_record().read_text())
    return {} if (home() / "clickhouse").exists() else None


def _write(chosen: Source) -> None:
    write_whole(_record(), json.dumps(_identity(chosen)).encode())
