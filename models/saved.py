"""`model.json`, the file that says what a folder with a saved model holds."""

import json
from pathlib import Path
from typing import Any

from models.errors import CorruptArtifact

NAME = "model.json"


def header(directory: Path, family: str) -> dict[str, Any]:
    """What a saved model says of itself: `family`, `algorithm`, `params`, `format` and the family's own words.

    Raises:
        CorruptArtifact: The file is missing or damaged, or the model is of another family.
    """
    path = Path(directory) / NAME
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        held = found["family"], found["algorithm"], found["params"], found["format"]
    except FileNotFoundError as exc:
        raise CorruptArtifact(f"{directory}: no {NAME}; fetch the version again") from exc
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise CorruptArtifact(f"{path}: damaged ({exc}); fetch the version again") from exc
    if held[0] != family:
        raise CorruptArtifact(f"{directory}: holds a {held[0]}, not a {family}; fetch the version again")
    return found
