"""The folder under which the platform keeps everything, and the secrets made there at the first start."""

import os
import secrets
from pathlib import Path

from base.files import create_whole

HOME = "AGRO_HOME"
"""The variable that names the folder."""


def home(*parts: str) -> Path:
    """A path under `AGRO_HOME` (default `./var`), absolute."""
    return Path(os.environ.get(HOME, "var")).absolute().joinpath(*parts)


def secret(name: str) -> str:
    """The local platform's own secret of that name; it is made by whoever asks first, and only its owner can read it.

    Args:
        name: A file name, as `clickhouse`; the secret lies in `secrets/` under the home.
    """
    path = home("secrets", name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_whole(path, f"{secrets.token_urlsafe(24)}\n".encode())
    return path.read_text().strip()
