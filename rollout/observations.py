"""What a rollout looks at: counts of each side, as they were reported and as they add up."""

from typing import NamedTuple, TypeVar

from pydantic import BaseModel, NonNegativeFloat, NonNegativeInt


class Served(NamedTuple):
    """What one version has answered so far; each number only grows, until its counter starts anew."""

    requests: NonNegativeInt = 0
    errors: NonNegativeInt = 0
    """Requests that were not answered as they should be."""
    timed: NonNegativeInt = 0
    """Answers whose time is known; the count may lag behind `requests`."""
    slow: NonNegativeInt = 0
    """Answers among `timed` that took longer than the limit, both versions having the same."""


class Compared(NamedTuple):
    """Requests that both versions answered."""

    answers: NonNegativeInt = 0
    differing: NonNegativeInt = 0
    """Answers that differ by more than the model's tolerance; one that is missing differs."""


Tally = TypeVar("Tally", Served, Compared)


def since(now: Tally, before: Tally) -> Tally:
    """What was added since an earlier look; all of it where the counter was started again in between.

    >>> since(Served(12, 3), Served(10, 1))
    Served(requests=2, errors=2, timed=0, slow=0)
    >>> since(Served(4, 0), Served(10, 1))
    Served(requests=4, errors=0, timed=0, slow=0)
    """
    return now if now[0] < before[0] else type(now)(*(max(0, a - b) for a, b in zip(now, before, strict=True)))


def plus(one: Tally, other: Tally) -> Tally:
    """Both together."""
    return type(one)(*(a + b for a, b in zip(one, other, strict=True)))


class Counts(BaseModel, frozen=True):
    """Counts of both versions and of their answers side by side."""

    canary: Served = Served()
    """The version that is rolled out."""
    previous: Served = Served()
    """The one that served before; at the same time, be it by its share of the traffic or by copies of it."""
    compared: Compared = Compared()

    @property
    def answered(self) -> int:
        """Requests that the canary answered, or failed to."""
        return max(self.canary.requests, self.compared.answers)

    @property
    def beside(self) -> int:
        """Requests for which the previous version shows what is usual."""
        return max(self.previous.requests, self.compared.answers)

    def since(self, before: "Counts") -> "Counts":
        """What was added since an earlier look."""
        return Counts.model_construct(
            canary=since(self.canary, before.canary),
            previous=since(self.previous, before.previous),
            compared=since(self.compared, before.compared),
        )

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts.model_construct(
            canary=plus(self.canary, other.canary),
            previous=plus(self.previous, other.previous),
            compared=plus(self.compared, other.compared),
        )


class Observations(Counts, frozen=True):
    """Counts as they stand at a moment."""

    at: NonNegativeFloat
    """Seconds since the epoch."""

    @property
    def counts(self) -> Counts:
        """Without the moment."""
        return Counts.model_construct(canary=self.canary, previous=self.previous, compared=self.compared)
