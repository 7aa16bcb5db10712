"""A version's own files, fetched and proven by its digest."""

import json
import tempfile
from pathlib import Path
from typing import Any

from base.files import put
from registry import digests, packing
from registry.errors import DigestMismatch, RegistryError
from registry.records import DIGEST
from registry.versions import Versions


class Artifacts(Versions):
    """Versions, and their files."""

    def digest(self, name: str, number: int) -> str:
        """The digest that a version's files must have.

        Raises:
            DigestMismatch: The version carries none.
        """
        digest = self._info(name, number).tags.get(DIGEST, "")
        if not digest:
            raise DigestMismatch(f"{name} version {number} carries no digest; register it through a training")
        return digest

    def download(self, name: str, number: int, to: Path) -> Path:
        """Fetch a version's own files into `to` and prove that they are the registered ones.

        They appear in `to` only when that is proven. A folder that holds them already is left as it is.

        Raises:
            DigestMismatch: They are not, or the version carries no digest; nothing is left behind.
            VersionNotFound: There is no such version.
            RegistryError: `to` holds something else.
        """
        digest = self.digest(name, number)
        if _holds(to, digest):
            return to
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=to.parent) as scratch:
            files = self._fetch(name, number, packing.MODEL, Path(scratch))
            digests.verify(files, digest)
            put(files, to, aside=Path(scratch) / "old")
        return to

    def files(self, name: str, number: int) -> dict[str, str]:
        """SHA-256 of each of a version's own files by its path, proven by digest, without fetching them."""
        digest = self.digest(name, number)
        with tempfile.TemporaryDirectory(prefix="agro-manifest-") as scratch:
            self._fetch(name, number, f"{packing.MODEL}/{digests.MANIFEST}", Path(scratch))
            return digests.registered(Path(scratch), digest)

    def golden(self, name: str, number: int) -> list[dict[str, Any]]:
        """The version's golden requests with the model's own answers, proven by digest."""
        digest = self.digest(name, number)
        with tempfile.TemporaryDirectory(prefix="agro-golden-") as scratch:
            folder = Path(scratch)
            for file in (digests.MANIFEST, packing.GOLDEN):
                self._fetch(name, number, f"{packing.MODEL}/{file}", folder)
            digests.verify_file(folder, packing.GOLDEN, digest)
            return list(json.loads((folder / packing.GOLDEN).read_text()))

    def _fetch(self, name: str, number: int, path: str, scratch: Path) -> Path:
        with self._mlflow.client() as client:
            from mlflow.artifacts import download_artifacts

            root = client.get_model_version_download_uri(name, str(number))
            return Path(download_artifacts(f"{root}/{path}", dst_path=str(scratch), tracking_uri=self._mlflow.uri))


def _holds(folder: Path, digest: str) -> bool:
    """Whether a folder holds exactly the files of that digest; a folder of anybody else's is never replaced."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    try:
        digests.verify(folder, digest)
    except DigestMismatch as exc:
        if not (folder / digests.MANIFEST).exists():
            raise RegistryError(f"{folder} holds something else; give an empty folder") from exc
        return False
    return True
