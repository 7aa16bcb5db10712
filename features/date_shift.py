"""Move old events to the present by whole weeks, so that weekdays stay weekdays."""

from datetime import UTC, date, datetime, timedelta


def weeks_to_shift(last_event: datetime | date, today: datetime | date | None = None) -> int:
    """The largest number of whole weeks that leaves the last event no later than yesterday.

    Args:
        last_event: The newest event; its day is its UTC day.
        today: The day to count from, default today in UTC.

    Returns:
        Weeks to add, 0 where the last event is already that new.

    >>> weeks_to_shift(date(2017, 12, 31), date(2018, 1, 20))
    2
    """
    gap = _day(today or datetime.now(UTC)) - timedelta(days=1) - _day(last_event)
    return max(gap.days // 7, 0)


def _day(moment: datetime | date) -> date:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    return moment
