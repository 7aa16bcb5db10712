"""Files that were made to hurt: each is refused as a problem, and the service neither grows nor slows."""

import struct
import zlib
from functools import cache
from io import BytesIO

import psutil
import pytest

GROWTH_BYTES = 200 << 20
"""Most that the process may grow by over the whole corpus; the bomb alone would take 10 GB."""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_bomb() -> bytes:
    """A gigabyte of zeros for an image that says it is large."""
    return png(60_000, 60_000, zeros(1024))


def png_bomb_that_looks_small() -> bytes:
    """The same gigabyte behind a header of 100 × 100 pixels, in a text chunk that is unpacked while it is opened."""
    text = chunk(b"zTXt", b"note\x00\x00" + zeros(1024))
    whole = png(100, 100, zlib.compress(bytes(100 * 301)))
    return whole[:33] + text + whole[33:]


@cache
def zeros(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()


def gif_of_many_frames() -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 64, 64, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 64, 64, 0) + b"\x02\x02\x4c\x01\x00"
    return head + frame * 10_000 + b"\x3b"


def jpeg(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header says another size than its pixels have."""
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def tiff() -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "TIFF")
    return buffer.getvalue()


def animated(kind: str) -> bytes:
    from PIL import Image

    frames, buffer = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")], BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


SVG = b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" width="640" height="640"><script>alert(1)</script><text>&x;</text></svg>"""
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF" * 20
ZIP = b"PK\x03\x04" + bytes(26)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 640 640\n(/etc/passwd) (r) file run\n%%EOF"

CORPUS = {
    "cut in the middle": (lambda leaf: leaf[: len(leaf) // 2], 422),
    "cut in the header": (lambda leaf: leaf[:30], (415, 422)),
    "a PNG bomb": (lambda leaf: png_bomb(), 413),
    "a PNG bomb that looks small": (lambda leaf: png_bomb_that_looks_small(), 422),
    "a PNG of no rows": (lambda leaf: png(640, 640, zlib.compress(b"")), 422),
    "a PNG of rows that do not unpack": (lambda leaf: png(640, 640, b"\0" * 400), 422),
    "a GIF of 10,000 frames": (lambda leaf: gif_of_many_frames(), 415),
    "an animated PNG": (lambda leaf: animated("PNG"), 415),
    "an animated WebP": (lambda leaf: animated("WEBP"), 415),
    "a TIFF": (lambda leaf: tiff(), 415),
    "an SVG with an entity": (lambda leaf: SVG, 415),
    "PostScript": (lambda leaf: POSTSCRIPT, 415),
    "a GIF and a script": (lambda leaf: b"GIF89a/*" + bytes(64) + b"*/=1;alert(1)//", 415),
    "a PDF with a leaf in it": (lambda leaf: PDF + leaf, 415),
    "an archive with a leaf in it": (lambda leaf: ZIP + leaf, 415),
    "a JPEG of 100 megapixels": (lambda leaf: jpeg(leaf, 10_000, 10_000), 413),
    "a JPEG of 4 gigapixels": (lambda leaf: jpeg(leaf, 65_535, 65_535), 413),
    "a JPEG of no pixel": (lambda leaf: jpeg(leaf, 0, 0), (415, 422)),
    "a JPEG of one row": (lambda leaf: jpeg(leaf, 640, 1), 422),
    "zeros": (lambda leaf: bytes(1 << 20), 415),
}


@pytest.fixture(scope="module")
def leaf(photographs) -> bytes:
    return photographs[0][1]


@pytest.fixture(scope="module")
def before(served, leaf) -> int:
    """Bytes that the service holds before the first of these files, warm."""
    for _ in range(20):
        served["leaf-disease"].ask(files={"file": ("leaf.jpg", leaf)})
    return resident(served)


def resident(served) -> int:
    return psutil.Process(served["leaf-disease"].process.pid).memory_info().rss


def refused(answer, statuses):
    assert answer.status_code in (statuses if isinstance(statuses, tuple) else (statuses,)), answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["remedy"]
    assert "Traceback" not in answer.text and ".py" not in answer.text


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_is_refused_and_leaves_nothing_behind(served, leaf, before, name):
    """Guards P32 and P34."""
    make, status = CORPUS[name]
    content = make(leaf)
    for said in ("image/jpeg", "image/png", "text/html"):
        refused(served["leaf-disease"].ask(files={"file": ("leaf.jpg", content, said)}), status)
    assert resident(served) - before < GROWTH_BYTES


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/dev/null", "a" * 3000, "\x01\n.jpg", "лист.jpg"]
)
def test_a_name_is_nothing_that_is_looked_at(served, leaf, before, name):
    """Guards P26: the name of a file leads nowhere; what counts is what is in it."""
    assert served["leaf-disease"].ask(files={"file": (name, leaf, "application/x-php")}).status_code == 200
    refused(served["leaf-disease"].ask(files={"file": (name, SVG)}), 415)


def test_a_leaf_in_another_envelope_is_refused(served, leaf):
    service = served["leaf-disease"]
    for kind in ("image/jpeg", "application/octet-stream", "application/json", "multipart/mixed; boundary=b"):
        refused(service.ask(content=leaf, headers={"Content-Type": kind}), 415)
    refused(service.ask(files=[("file", ("a", leaf)), ("file", ("b", leaf))]), 422)


def test_after_all_of_them_it_answers_as_before(served, leaf, before):
    assert served["leaf-disease"].ask(files={"file": ("leaf.jpg", leaf)}).status_code == 200
    assert resident(served) - before < GROWTH_BYTES
