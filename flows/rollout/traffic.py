"""Where a model's traffic goes while a version is rolled out: from `previous` to `champion`, and back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rollout.decisions import Decision
from rollout.observations import Compared, Observations, Served
from rollout.target import Arm, Split, Target


@dataclass(frozen=True)
class Traffic:
    """The weights of a model's arms, set only where they are not so already."""

    target: Target | None
    """None: nobody splits the traffic, all of it reaches the champion's port."""
    address: Callable[[str, str], str]
    """Where an arm of the places answers, by model and arm."""
    clock: Callable[[], float]
    runs: bool = True
    """Whether the target splits anything now; one that does not keeps the weights for when it starts."""
    sides: dict[str, Arm] = field(default_factory=lambda: {"canary": "champion", "previous": "previous"})
    """What the sides of a rollout are called by whoever splits the traffic."""

    def whole(self, model: str) -> None:
        """All of it to the champion's port; nothing of it reaches another version from when this returns."""
        self._set(model, Split({"champion": 100}, {"champion": self.address(model, "champion")}))

    def follow(self, model: str, decision: Decision) -> None:
        """As a decision wants it."""
        where: dict[Arm, str] = {
            "previous": self.address(model, "champion"),
            "champion": self.address(model, "canary"),
        }
        weights: dict[Arm, int] = {"previous": 100 - decision.weight, "champion": decision.weight}
        mirror = self.sides[decision.copies_to] if decision.copies_to else None
        self._set(model, Split(weights, where, mirror))

    def seen(self, model: str, limit_ms: float, compared: Compared) -> Observations:
        """What both sides have answered by now."""
        observe: Any = getattr(self.target, "observe", None)
        counts = observe(model) if observe else {}
        canary, previous = (
            counts[arm].served(limit_ms) if arm in counts else Served() for arm in ("champion", "previous")
        )
        return Observations(canary=canary, previous=previous, compared=compared, at=self.clock())

    def _set(self, model: str, split: Split) -> None:
        if self.target is not None and self.target.get(model) != split:
            self.target.set(model, split.weights, split.where, split.mirror)
