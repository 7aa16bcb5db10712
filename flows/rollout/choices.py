"""What people chose, by the registry."""

from dataclasses import dataclass

from registry import approval, promotion
from registry.records import CHAMPION
from rollout.champions import Champions
from rollout.steps import Choice


@dataclass(frozen=True)
class RegistryChoices:
    """`Choices`, for real."""

    champions: Champions

    def champion(self, model: str) -> Choice | None:
        """The version that carries `champion`; what was done to the alias is written down first."""
        self.champions.observe(model)
        found = promotion.holder(self.champions.registry.versions(model), CHAMPION)
        if found is None:
            return None
        missing = approval.missing(model, found, self.champions.approved_first)
        return Choice(found.number, found.rejected or "", missing or "")

    def take_back(self, model: str, bad: int, good: int | None, reason: str) -> None:
        """Mark a version as rejected and, where it is champion still, move `champion` back."""
        self.champions.take_back(model, bad, good, reason)

    def put_back(self, model: str, bad: int, good: int | None, reason: str) -> None:
        """Move `champion` off a version that lacks an approval, and say why in its description."""
        self.champions.put_back(model, bad, good, reason)
