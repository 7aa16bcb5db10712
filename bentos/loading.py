"""Loading by digest: not a byte of a model is read before its files are proven to be the promoted ones."""

from pathlib import Path
from typing import Any, NamedTuple

from bentos.errors import BentoRefused
from bentos.manifest import ARTIFACT, Manifest, golden_in
from models import families
from models.errors import ModelError
from models.family import Model
from registry import digests
from registry.errors import RegistryError


class Loaded(NamedTuple):
    """A model that is ready to answer, and which one it is."""

    manifest: Manifest
    model: Model


def load(folder: Path, model: str, digest: str = "") -> Loaded:
    """The model in a Bento's folder, after its files proved to have their digest.

    Args:
        folder: Holds `manifest.json` and `artifact/`.
        model: The registered model that is wanted.
        digest: Digest that the artifact must have besides the one in `manifest.json`; empty: that one alone.

    Raises:
        BentoRefused: The manifest is another model's, its files differ from the digest, or it
            cannot answer.
    """
    manifest = Manifest.read(folder)
    if manifest.model != model:
        raise BentoRefused(f"{folder} holds {manifest.model}, not {model}")
    if digest and digest != manifest.digest:
        raise BentoRefused(f"digest {digest} was asked for, but {folder} holds {manifest.digest}")
    try:
        digests.verify(folder / ARTIFACT, manifest.digest)
        loaded = Loaded(manifest, families.family(model).load(folder / ARTIFACT))
        _warm(loaded.model, golden_in(folder))
        return loaded
    except (RegistryError, ModelError, OSError, ValueError) as exc:
        raise BentoRefused(f"{model} version {manifest.version} is refused: {exc}") from exc


def _warm(model: Model, golden: list[dict[str, Any]]) -> None:
    """Answer the golden requests once, so that what loads at the first answer is not the first user's wait."""
    for pair in golden:
        model.answer(pair["request"])
