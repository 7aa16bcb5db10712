"""The files that Envoy watches: written whole, one writer at a time."""

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from base.files import write_whole
from rollout.envoy.routes import KEY
from rollout.errors import TargetDamaged, WeightsRefused
from rollout.target import Split

Documents = Sequence[Mapping[str, Any]]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Of two that set weights at once the second waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def content(documents: Documents) -> bytes:
    """The file that holds some resources, its version being their digest."""
    said = json.dumps(documents, sort_keys=True)
    version = hashlib.sha256(said.encode()).hexdigest()[:16]
    return json.dumps({"version_info": version, "resources": documents}, indent=1, sort_keys=True).encode()


def version(written: bytes) -> str:
    """The version of a file's content."""
    found: str = json.loads(written)["version_info"]
    return found


def write(path: Path, written: bytes) -> None:
    """Put a file in place by a rename, which is what Envoy watches for; it puts the content to use again."""
    write_whole(path, written)


def splits(path: Path) -> dict[str, Split]:
    """The splits that a file of routes was made from, by service; none where there is no file.

    Raises:
        TargetDamaged: Other hands wrote into it.
    """
    if not path.exists():
        return {}
    try:
        (routes,) = json.loads(path.read_text())["resources"]
        kept = routes["metadata"]["filter_metadata"][KEY]["splits"]
        return {service: Split(**split) for service, split in kept.items()}
    except (ValueError, TypeError, KeyError, WeightsRefused) as exc:
        raise TargetDamaged(f"{path} cannot be read ({exc}); remove it and set the weights anew") from exc
