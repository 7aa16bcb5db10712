"""Uploads as they come, friendly and hostile."""

import io
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.disease.imaging import Limits, photograph
from models.errors import BadImage


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def halves(mode: str = "RGB", size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Left red, right blue."""
    image = Image.new("RGB", size, (200, 0, 0))
    image.paste((0, 0, 200), (size[0] // 2, 0, *size))
    return image.convert(mode)


def png_that_claims(width: int, height: int) -> bytes:
    """A valid PNG head of any size with next to no data behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def refused(data: bytes, limits: Limits | None = None) -> BadImage:
    with pytest.raises(BadImage) as caught:
        photograph(data, 32, limits)
    assert caught.value.field == "file" and caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP"), ("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "JPEG")],
)
def test_any_colour_mode_becomes_rgb_with_its_colours(mode, kind):
    """Guards P27."""
    pixels = photograph(encoded(halves(mode), kind), 32)
    assert pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8
    assert pixels[16, 4, 0] > 150 > pixels[16, 4, 2] and pixels[16, 28, 2] > 150 > pixels[16, 28, 0]


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_a_grey_picture_becomes_three_equal_channels(mode):
    """Guards P27."""
    if mode == "I;16":
        grey = Image.fromarray(np.full((40, 40), 128 << 8, np.uint16))
    else:
        grey = Image.new("L", (40, 40), 128).convert(mode)
    pixels = photograph(encoded(grey), 32)
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    assert mode == "1" or abs(int(pixels[16, 16, 0]) - 128) <= 1


def test_what_is_transparent_becomes_white():
    """Guards P27."""
    clear = Image.new("RGBA", (40, 40), (10, 20, 30, 0))
    assert (photograph(encoded(clear), 32) == 255).all()


def test_a_phone_held_upright_gives_an_upright_picture():
    """Guards P27."""
    turned = halves()
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter turn to the left
    pixels = photograph(encoded(turned, "JPEG", exif=exif, quality=95), 32)
    assert pixels[4, 16, 0] > 150 and pixels[28, 16, 2] > 150


def test_the_middle_square_is_taken_not_squashed():
    wide = Image.new("RGB", (120, 40), "white")
    wide.paste((0, 0, 0), (40, 0, 80, 40))
    assert photograph(encoded(wide), 32)[:, 1:-1].max() == 0


@pytest.mark.parametrize("claimed", [(10_000, 10_000), (30_000, 30_000), (1, 60_000_000)])
def test_a_bomb_of_a_hundred_megapixels_is_refused_before_it_is_decoded(claimed, monkeypatch):
    """Guards P27."""
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    assert refused(png_that_claims(*claimed)).status == 413


def test_too_many_bytes_are_refused_unopened(monkeypatch):
    """Guards P27."""
    monkeypatch.setattr(Image, "open", lambda *args, **kwargs: pytest.fail("it was opened"))
    assert refused(b"\xff" * 1001, Limits(max_bytes=1000)).status == 413


@pytest.mark.parametrize(
    "data",
    [
        encoded(halves(), "GIF"),
        encoded(halves(), "BMP"),
        b"crop,yield\nmaize,3.1\n",
        b"%PDF-1.7",
        b"<svg/>",
        b"\0" * 500,
    ],
    ids=["gif", "bmp", "csv", "pdf", "svg", "zeros"],
)
def test_another_kind_of_file_is_refused_as_such(data):
    """Guards P27."""
    error = refused(data)
    assert error.status == 415 and "JPEG" in error.remedy


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_not_a_photograph(kind):
    """Guards P27."""
    frames = [halves(), Image.new("RGB", (64, 64), "green")]
    error = refused(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert error.status == 415 and "animated" in error.remedy


def test_an_empty_file_a_damaged_one_and_a_speck_are_unprocessable():
    """Guards P27."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    whole = encoded(noise, "JPEG")
    assert refused(b"").status == 422
    assert "cut off" in refused(whole[: len(whole) // 2]).remedy
    assert refused(encoded(noise, "PNG")[:-5000]).status == 422
    assert refused(png_that_claims(64, 64)).status == 422
    assert "each side needs 24" in refused(encoded(Image.new("RGB", (3, 400)))).remedy


def test_every_cut_of_a_file_is_refused_or_read_but_never_crashes():
    """Guards P27."""
    whole = encoded(halves(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")
    rng = np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.5 else whole)
        for at in rng.integers(0, len(broken), 4):
            broken[at] = rng.integers(0, 256)
        try:
            assert photograph(bytes(broken), 32).shape == (32, 32, 3)
        except BadImage as error:
            assert error.status in (413, 415, 422)


def test_an_upload_leaves_no_file_behind(tmp_path, monkeypatch):
    """Guards P26."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", lambda *args: pytest.fail("a file was written"))
    photograph(encoded(halves(), "JPEG"), 32)
    refused(encoded(halves(), "GIF"))
    assert list(tmp_path.iterdir()) == []
