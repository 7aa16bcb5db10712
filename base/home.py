"""The folder under which the platform keeps everything, and the secrets made there at the first start."""

import os
import secrets
from pathlib import Path


def home(*parts: str) -> Path:
    """A path under `AGRO_HOME` (default `./var`), absolute."""
    return Path(os.environ.get("AGRO_HOME", "var")).absolute().joinpath(*parts)


def secret(name: str) -> str:
    """The local platform's own secret of that name; it is made by whoever asks first, and only its owner can read it.

    Args:
        name: A file name, as `clickhouse`; the secret lies in `secrets/` under the home.
    """
    path = home("secrets", name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def _create(path: Path, text: str) -> None:
    """Write the file whole unless another process was quicker."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        draft.write_text(text + "\n")
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
