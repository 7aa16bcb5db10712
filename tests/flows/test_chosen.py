from datetime import UTC, datetime

from flows.chosen import champion_at
from registry.registry import Served

HISTORY = [
    Served(1, "2026-03-01T10:00:00+00:00", "promote"),
    Served(3, "2026-03-02T10:00:00+00:00", "promote"),
    Served(1, "2026-03-03T10:00:00+00:00", "rollback"),
]


def test_the_champion_of_a_past_moment_is_the_one_that_served_then():
    days = [champion_at(HISTORY, datetime(2026, 3, day, 10, tzinfo=UTC)) for day in (1, 2, 3, 4)]
    assert days == [1, 3, 1, 1]
    assert champion_at(HISTORY, datetime(2026, 3, 1, 9, 59, tzinfo=UTC)) is None
