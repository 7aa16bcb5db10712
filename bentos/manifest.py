"""A manifest: one exact version of a model with the digest that its files must have."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bentos.errors import BentoRefused

FILE = "manifest.json"
ARTIFACT = "artifact"
GOLDEN = "golden.json"


@dataclass(frozen=True)
class Manifest:
    """What a Bento serves; `manifest.json` beside the `artifact/` folder says it."""

    model: str
    version: str
    digest: str
    code: str = ""
    """Digest of the code that was packaged with it."""

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest in `folder`.

        Raises:
            BentoRefused: There is none, or it cannot be read.
        """
        try:
            return cls(**json.loads((folder / FILE).read_text()))
        except FileNotFoundError as exc:
            raise BentoRefused(f"{folder / FILE} is missing: no Bento, or one that an earlier version built") from exc
        except (OSError, ValueError, TypeError) as exc:
            raise BentoRefused(f"{folder / FILE} is no manifest of a Bento: {exc}") from exc

    def write(self, folder: Path) -> None:
        """Write `manifest.json` into `folder`."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1) + "\n")


def golden_in(folder: Path) -> list[dict[str, Any]]:
    """The golden requests of the artifact beside a manifest; none where it has none."""
    path = folder / ARTIFACT / GOLDEN
    return list(json.loads(path.read_text())) if path.exists() else []
