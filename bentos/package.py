"""Packaging: one exact model version and the code that serves it become a Bento, built without network."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from base.files import put
from bentos import other_packages
from bentos.bento import Bento, find, tag_of
from bentos.check import CheckReport, check
from bentos.errors import BentoRefused, BuildFailed
from bentos.manifest import ARTIFACT, Manifest
from bentos.settings import ServingSettings
from models.families import registered
from registry import digests
from registry.errors import RegistryError

ROOMS = (
    "base",
    "web",
    "bentos",
    "models",
    "features",
    "registry/__init__.py",
    "registry/digests.py",
    "registry/errors.py",
)
"""What a serving process imports; the rest of the project stays out of the Bento."""
_SOURCE = Path(__file__).parent.parent
_KINDS = {".py", ".sql", ".json", ".lock"}

__all__ = ["Bento", "CheckReport", "built", "check", "package", "prune"]


def package(name: str, version_number: int | str, artifact_dir: Path, digest: str, settings: ServingSettings) -> Bento:
    """Build the Bento of a model version; the one that is there already where nothing changed.

    Args:
        name: Registered model.
        version_number: Its version.
        artifact_dir: Files that `Model.save` wrote, with golden requests and their manifest.
        digest: Digest that they must have.
        settings: Where Bentos are kept.

    Raises:
        BentoRefused: The files do not have that digest.
        BuildFailed: BentoML said no.
    """
    _verify(artifact_dir, digest)
    manifest = Manifest(name, str(version_number), digest, _code_digest(name))
    tag = tag_of(name, manifest.version, digest)
    home, place = settings.home.absolute(), _place(tag)
    with _workshop(home) as scratch, tempfile.TemporaryDirectory(prefix="agro-bento-") as context:
        if not _is_built(home / place, manifest):
            _lay_out(Path(context), manifest, artifact_dir)
            _build(Path(context), tag, scratch / "home")  # not below `home`: BentoML builds nothing in hidden folders
            put(scratch / "home" / place, home / place, aside=scratch / "old")
    return find(tag, settings.home)


def built(name: str, version_number: int | str, digest: str, settings: ServingSettings) -> Bento | None:
    """The Bento of a model version that was built before by the same code; None where there is none."""
    manifest = Manifest(name, str(version_number), digest, _code_digest(name))
    tag = tag_of(name, manifest.version, digest)
    return find(tag, settings.home) if _is_built(settings.home / _place(tag), manifest) else None


def _place(tag: str) -> Path:
    return Path("bentos") / tag.replace(":", "/", 1)


def prune(model: str, settings: ServingSettings, serving: set[str]) -> list[str]:
    """Delete the oldest Bentos of a model beyond `kept_bentos`, never one whose tag is `serving`.

    Returns:
        The tags that were deleted.
    """
    folder = settings.home / "bentos" / model
    built = [path.parent for path in folder.glob("*/bento.yaml")]
    newest = sorted(built, key=lambda path: (path / "bento.yaml").stat().st_mtime_ns, reverse=True)
    old = [path for path in newest[settings.kept_bentos :] if f"{model}:{path.name}" not in serving]
    for path in old:
        shutil.rmtree(path)
    return [f"{model}:{path.name}" for path in old]


def _verify(artifact_dir: Path, digest: str) -> None:
    try:
        digests.verify(artifact_dir, digest)
    except (RegistryError, OSError) as exc:
        raise BentoRefused(f"{artifact_dir} is refused: {exc}") from exc


def _is_built(path: Path, manifest: Manifest) -> bool:
    try:
        same = Manifest.read(path / "src") == manifest
        digests.verify(path / "src" / ARTIFACT, manifest.digest)
    except (BentoRefused, RegistryError, OSError):
        return False
    return same


def _sources(model: str) -> Iterator[tuple[Path, bytes]]:
    """Place in the Bento and content of each file of code."""
    for room in ROOMS:
        place = _SOURCE / room
        found = [place] if place.is_file() else sorted(place.rglob("*"))
        ours = [path for path in found if path.suffix in _KINDS and "__pycache__" not in path.parts]
        yield from ((path.relative_to(_SOURCE), path.read_bytes()) for path in ours)
    yield from other_packages.files(model)


def _code_digest(model: str) -> str:
    total = hashlib.sha256()
    for place, content in _sources(model):
        total.update(str(place).encode() + b"\0" + content + b"\0")
    return total.hexdigest()


def _lay_out(context: Path, manifest: Manifest, artifact_dir: Path) -> None:
    for place, content in _sources(manifest.model):
        target = context / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    shutil.copytree(artifact_dir, context / ARTIFACT)
    manifest.write(context)
    (context / "bentofile.yaml").write_text(json.dumps(_recipe(manifest)))  # JSON is YAML


def _recipe(manifest: Manifest) -> dict[str, Any]:
    return {
        "service": registered(manifest.model).service.target,
        "name": manifest.model,
        "description": f"{manifest.model} version {manifest.version}, artifact {manifest.digest}",
        "labels": {"model": manifest.model, "version": manifest.version, "digest": manifest.digest},
        "include": ["**"],
        "python": {"requirements_txt": "bentos/requirements.lock", "lock_packages": False},
        "docker": {"python_version": "3.11"},
    }


def _build(context: Path, tag: str, home: Path) -> None:
    name, _, version = tag.partition(":")
    home.mkdir()
    told = [sys.executable, "-m", "bentoml", "build", "--name", name, "--version", version, "-o", "tag", str(context)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "true"}
    try:
        done = subprocess.run(told, cwd=context, env=environment, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired as exc:
        raise BuildFailed(f"building {tag} took over {exc.timeout:g} s") from exc
    if done.returncode:
        raise BuildFailed(f"building {tag} failed: {(done.stderr or done.stdout).strip()[-800:]}")


@contextmanager
def _workshop(home: Path) -> Iterator[Path]:
    """A scratch folder on the store's disk, for one builder at a time; what a killed one left is swept."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in home.glob(".build-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=home, prefix=".build-") as scratch:
            yield Path(scratch)
