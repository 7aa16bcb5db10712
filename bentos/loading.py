"""Loading by digest: not a byte of a model is read before its files are proven to be the promoted ones."""

from pathlib import Path
from typing import NamedTuple

from bentos.errors import ReleaseRefused
from bentos.release import ARTIFACT, Release
from models import families
from models.errors import ModelError
from registry import digests
from registry.errors import RegistryError


class Loaded(NamedTuple):
    """A model that is ready to answer, and which one it is."""

    release: Release
    model: families.Model


def load(folder: Path, model: str, digest: str = "") -> Loaded:
    """The model in a release folder, after its files proved to have their digest.

    Args:
        folder: Holds `release.json` and `artifact/`.
        model: The registered model that is wanted.
        digest: Digest that the artifact must have besides the one in `release.json`; empty: that one alone.

    Raises:
        ReleaseRefused: The release is another model's, its files differ from the digest, or they cannot be loaded.
    """
    release = Release.read(folder)
    if release.model != model:
        raise ReleaseRefused(f"{folder} holds a release of {release.model}, not of {model}")
    if digest and digest != release.digest:
        raise ReleaseRefused(f"digest {digest} was asked for, but {folder} holds {release.digest}")
    try:
        digests.verify(folder / ARTIFACT, release.digest)
        return Loaded(release, families.family(model).load(folder / ARTIFACT))
    except (RegistryError, ModelError, OSError) as exc:
        raise ReleaseRefused(f"{model} version {release.version} is refused: {exc}") from exc
