"""Photographs by the SHA-256 of their bytes: the same image is kept once, and a name cannot lie."""

from hashlib import sha256
from pathlib import Path

from base.files import write_whole
from features.disk import room
from features.errors import BadInput


class ImageStore:
    """Files under `root`, two folders deep, named by what is in them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def name(image: bytes) -> str:
        """The id of an image: the SHA-256 of its bytes, 64 hex digits."""
        return sha256(image).hexdigest()

    def put(self, image: bytes) -> str:
        """Keep an image.

        Returns:
            Its id.

        Raises:
            DiskFull: There is no space for it; nothing of it is left behind.
        """
        image_id = self.name(image)
        path = self.path(image_id)
        if not path.exists():
            with room(self.root, "AGRO_STORAGE_IMAGES"):  # a power cut leaves at worst one that its hash finds out
                write_whole(path, image, durable=False)
        return image_id

    def path(self, image_id: str) -> Path:
        """Where an image is, or would be.

        Raises:
            BadInput: That is not an image id.
        """
        if len(image_id) != 64 or set(image_id) - set("0123456789abcdef"):
            raise BadInput(f"{image_id!r} is not an image id")
        return self.root / image_id[:2] / image_id[2:4] / image_id

    def get(self, image_id: str) -> bytes:
        """The bytes of an image.

        Raises:
            BadInput: It is not here, or the file was changed since.
        """
        try:
            image = self.path(image_id).read_bytes()
        except FileNotFoundError:
            raise BadInput(f"No image {image_id} in {self.root}") from None
        if sha256(image).hexdigest() != image_id:
            raise BadInput(f"The file of image {image_id} was changed: put the image in again")
        return image
