"""A release: one exact version of a model with the digest that its files must have."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bentos.errors import ReleaseRefused

FILE = "release.json"
ARTIFACT = "artifact"
GOLDEN = "golden.json"


@dataclass(frozen=True)
class Release:
    """What a Bento serves; `release.json` beside the `artifact/` folder says it."""

    model: str
    version: str
    digest: str
    code: str = ""
    """Digest of the code that was packaged with it."""

    @classmethod
    def read(cls, folder: Path) -> "Release":
        """The release described in `folder`.

        Raises:
            ReleaseRefused: There is none, or it cannot be read.
        """
        try:
            return cls(**json.loads((folder / FILE).read_text()))
        except (OSError, ValueError, TypeError) as exc:
            raise ReleaseRefused(f"{folder / FILE} does not describe a release: {exc}") from exc

    def write(self, folder: Path) -> None:
        """Write `release.json` into `folder`."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1) + "\n")
