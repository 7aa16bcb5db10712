"""Files of format 1, in which the fits stand beside the series' dates and do not name their algorithm."""

import json
from pathlib import Path
from typing import Any

from models import saved


def states(directory: Path) -> dict[str, dict[str, Any]] | None:
    """The state of every series as a later format has it; None where the files are of a later format."""
    if json.loads((directory / saved.NAME).read_text())["format"] != 1:
        return None
    found = json.loads((directory / "series.json").read_text())
    return {name: {"algorithm": "prophet" if "prophet" in one else "naive", **one} for name, one in found.items()}
