"""A built Bento: what it serves and where it lies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bentos.errors import BentoNotFound
from bentos.manifest import Manifest, golden_in


@dataclass(frozen=True)
class Bento:
    """One exact version of a model with the code that serves it."""

    tag: str
    """`model:version-digest8`."""
    path: Path
    digest: str
    """Digest of the model's files."""
    model: str
    version: str

    @property
    def source(self) -> Path:
        """The code and the artifact inside the Bento."""
        return self.path / "src"

    def golden(self) -> list[dict[str, Any]]:
        """Requests with the model's own answers, under the artifact's digest."""
        return golden_in(self.source)


def tag_of(model: str, version: str, digest: str) -> str:
    """The tag of a model version; the digest makes it exact.

    >>> tag_of("recommender", "3", "sha256:ab12cd34ef")
    'recommender:3-ab12cd34'
    """
    return f"{model}:{version}-{digest.removeprefix('sha256:')[:8]}"


def find(tag: str, home: Path) -> Bento:
    """The built Bento of a tag in a store.

    Raises:
        BentoNotFound: It was never built there, or was pruned.
    """
    path = home / "bentos" / tag.replace(":", "/", 1)
    if not (path / "bento.yaml").is_file():
        raise BentoNotFound(f"no Bento {tag} lies under {home}; build it with `agro package {tag.split(':')[0]}`")
    manifest = Manifest.read(path / "src")
    return Bento(tag, path, manifest.digest, manifest.model, manifest.version)
