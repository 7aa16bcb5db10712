"""How often one caller may ask."""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network


class Rates:
    """A bucket of requests for each caller, refilled steadily; the memory is bounded.

    A caller is one number, the moment when its bucket will be full again. Beyond `most` callers the one that has not
    asked for longest is forgotten.

    Args:
        per_minute: Requests a minute in the long run.
        burst: Requests at once after a rest.
        most: Callers remembered.
        now: Seconds that only grow.

    Source: ITU-T I.371, generic cell rate algorithm (virtual scheduling), which is a token bucket.

    >>> rates = Rates(per_minute=60, burst=2, now=lambda: 0.0)
    >>> [rates.wait_s("ann") for _ in range(3)], rates.wait_s("bob")
    ([0.0, 0.0, 1.0], 0.0)
    """

    def __init__(
        self, per_minute: float, burst: int, most: int = 10_000, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._step_s, self._slack_s = 60.0 / per_minute, (burst - 1) * 60.0 / per_minute
        self._most, self._now = most, now
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, caller: str) -> float:
        """0 where the caller may ask, which is then counted; else the seconds until it may."""
        now = self._now()
        full_at = max(self._full_at.pop(caller, now), now)
        wait_s = max(full_at - self._slack_s - now, 0.0)
        self._full_at[caller] = full_at if wait_s else full_at + self._step_s
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._full_at)


def by_address(address: str) -> str:
    """The caller behind an address: of IPv6 the network of 64 bits, since whoever has one has all of it.

    >>> by_address("2001:db8::7"), by_address("10.0.0.7"), by_address("testclient")
    ('2001:db8::/64', '10.0.0.7', 'testclient')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
