"""How many requests are answered at a time, and for how long each."""

import asyncio
from collections.abc import Awaitable, Callable

from web.problems import busy


class Places:
    """A bounded number of requests that are read or answered at a time, each within a deadline.

    The deadline stops what waits: for a body, a database, a thread. A thread itself runs on; what computes in one holds
    a place of its own until it is done, as the Bentos' predictor does.
    """

    def __init__(self, places: int, deadline_s: float) -> None:
        self.places = places
        self.deadline_s = deadline_s
        self.in_flight = 0

    async def run(self, answering: Callable[[], Awaitable[None]]) -> None:
        """Answer in one of the places.

        Raises:
            Problem: 503 where every place is taken, or there was no answer in time.
        """
        if self.in_flight >= self.places:
            raise busy(f"{self.in_flight} requests are being answered; try again in a second")
        self.in_flight += 1
        try:
            await self._in_time(answering)
        finally:
            self.in_flight -= 1

    async def _in_time(self, answering: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self.deadline_s) as deadline:
                await answering()
        except TimeoutError as exc:
            if not deadline.expired():  # somebody else's
                raise
            raise busy(f"no answer within {self.deadline_s:g} s") from exc
