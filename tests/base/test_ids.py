"""Ids: each its own, in the order of time."""

import time
from uuid import RFC_4122, UUID

from base.ids import new_id


def test_an_id_is_a_uuid_of_version_7_that_begins_with_the_time_in_milliseconds():
    before = time.time_ns() // 1_000_000
    made = UUID(new_id())
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_no_two_are_equal():
    assert len({new_id() for _ in range(10_000)}) == 10_000
