"""Weeks, networks, images and statements: small rules worked out by hand."""

import errno
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from features.date_shift import weeks_to_shift
from features.errors import BadInput, DiskFull
from features.images import ImageStore
from features.privacy import ip_prefix
from features.sql import statements


def test_the_shift_is_the_largest_that_leaves_the_last_event_before_today():
    for gap in range(40):
        last, today = date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=gap)
        weeks = weeks_to_shift(last, today)
        if gap:
            assert last + timedelta(weeks=weeks) <= today - timedelta(days=1) < last + timedelta(weeks=weeks + 1)
        else:
            assert weeks == 0


def test_the_day_of_an_event_is_its_day_in_utc():
    late = datetime.fromisoformat("2026-01-08T23:30:00-05:00")
    assert weeks_to_shift(late, date(2026, 1, 16)) == 0
    assert weeks_to_shift(late.astimezone(UTC), date(2026, 1, 17)) == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:abcd:12::1", "2001:db8:abcd::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        (" 10.0.0.1 ", "10.0.0.0/24"),
    ],
)
def test_an_address_becomes_its_network(address, network):
    """Guards P41."""
    assert ip_prefix(address) == network


def test_what_is_no_address_is_refused():
    with pytest.raises(BadInput, match="not an IP address"):
        ip_prefix("localhost")


def test_an_image_is_kept_under_its_hash_and_comes_back(tmp_path):
    images = ImageStore(tmp_path)
    image_id = images.put(b"leaf")
    assert images.put(b"leaf") == image_id
    assert images.get(image_id) == b"leaf"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [image_id]


def test_an_image_that_was_changed_is_refused(tmp_path):
    images = ImageStore(tmp_path)
    image_id = images.put(b"leaf")
    images.path(image_id).write_bytes(b"other")
    with pytest.raises(BadInput, match="was changed"):
        images.get(image_id)


def test_an_id_cannot_lead_out_of_the_store(tmp_path):
    for name in ("../../etc/passwd", "a" * 63, "A" * 64, "/" * 64):
        with pytest.raises(BadInput, match="not an image id"):
            ImageStore(tmp_path).path(name)


def test_a_full_disk_under_the_images_is_said_plainly(tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFull, match="AGRO_STORAGE_IMAGES"):
        ImageStore(tmp_path).put(b"leaf")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_semicolon_inside_a_line_does_not_end_a_statement():
    assert statements("SELECT ';' AS a;\n-- the end;\n") == ["SELECT ';' AS a"]
