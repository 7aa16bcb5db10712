"""A model's files and the one digest that stands for all of them."""

import hashlib
import json
from pathlib import Path

from registry.errors import DigestMismatch, UnsafeArtifact

MANIFEST = "manifest.json"
SAFE_KINDS = {".json", ".keras", ".npz", ".npy", ".onnx", ".parquet", ".txt"}
"""Kinds of files that are data when read; a pickle, and whatever is loaded by one, is code.

Keras reads a `.keras` file in its safe mode, which refuses the layers that hold code; nothing that serves reads one.
"""


def write_manifest(directory: Path) -> str:
    """Write `manifest.json`, the SHA-256 of every other file in `directory`.

    Returns:
        The directory's digest: SHA-256 of the manifest in its canonical form, 64 hex digits.

    Raises:
        UnsafeArtifact: A file is of a kind that can run code when it is read.
    """
    manifest = manifest_of(directory)
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return _digest(manifest)


def verify(directory: Path, digest: str) -> None:
    """Prove that the files in `directory` are those that `digest` stands for, no more and no fewer.

    Raises:
        DigestMismatch: A file differs, is missing or is additional, or the manifest is another one.
        UnsafeArtifact: A file is of a kind that can run code when it is read.
    """
    found = manifest_of(directory)
    if _digest(found) != digest:
        raise DigestMismatch(
            f"{directory} is not what was registered as {digest[:12]}: {_difference(directory, found)}"
        )
    if _written(directory) != found:
        raise DigestMismatch(f"{directory / MANIFEST} is missing or does not list the files beside it")


def verify_file(directory: Path, name: str, digest: str) -> None:
    """Prove that one file is the one that `digest` stands for, where only it and the manifest are at hand.

    Raises:
        DigestMismatch: The manifest is another one, or the file differs from it.
    """
    if registered(directory, digest).get(name) != _sha256(directory / name):
        raise DigestMismatch(f"{name} is not the file that was registered")


def registered(directory: Path, digest: str) -> dict[str, str]:
    """SHA-256 of every registered file by its path, out of the manifest in `directory` alone.

    Raises:
        DigestMismatch: The manifest is another one.
    """
    manifest = _written(directory)
    if manifest is None or _digest(manifest) != digest:
        raise DigestMismatch(f"{directory / MANIFEST} is not what was registered as {digest[:12]}")
    return manifest


def manifest_of(directory: Path) -> dict[str, str]:
    """SHA-256 of every file in `directory` but the manifest, by its path there.

    Raises:
        UnsafeArtifact: A file is of a kind that can run code when it is read.
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file() or path.is_symlink())
    files = [path for path in files if path != directory / MANIFEST]
    if unsafe := [path.name for path in files if path.is_symlink() or path.suffix not in SAFE_KINDS]:
        raise UnsafeArtifact(
            f"{', '.join(unsafe)} in {directory}: refused, since reading such a file can run code; "
            f"save a model as {', '.join(sorted(SAFE_KINDS))}"
        )
    return {path.relative_to(directory).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(manifest: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _written(directory: Path) -> dict[str, str] | None:
    try:
        written = json.loads((directory / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    return written if isinstance(written, dict) else None


def _difference(directory: Path, found: dict[str, str]) -> str:
    """Which files differ from the manifest beside them, as far as that can be told."""
    written = _written(directory)
    if written is None:
        return "its manifest is missing or unreadable"
    changed = sorted(name for name in written.keys() | found.keys() if written.get(name) != found.get(name))
    return f"{', '.join(changed)} changed" if changed else "its manifest is another version's"
