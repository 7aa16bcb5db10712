"""Where the weights live: which part of the traffic each arm of a service answers, whoever it is that splits it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from rollout.errors import WeightsRefused

Arm = Literal["champion", "previous", "challenger"]
"""`champion`: what a person chose; `previous`: what served before; `challenger`: the other side of an experiment."""
ARMS: tuple[Arm, ...] = get_args(Arm)
Address = str
"""Where an arm answers: `host:port` locally, the label of a version in a cluster."""


@dataclass(frozen=True)
class Split:
    """How the traffic of one service is divided; what is not sound cannot be made.

    Raises:
        WeightsRefused: The weights are not whole numbers that sum to 100, an arm is not known or has no address, a
            copy of the traffic goes to an arm that answers, or a canary runs during an experiment.
    """

    weights: Mapping[Arm, int]
    """Per cent of the requests that each arm answers."""
    where: Mapping[Arm, Address]
    mirror: Arm | None = None
    """The arm that gets a copy of every request, and whose answers nobody sees."""
    salt: str = ""
    """Of an experiment: users are divided by a hash of salt and user, so each experiment divides them anew."""

    def __post_init__(self) -> None:
        faults = [fault for fault in (_numbers(self), _arms(self), _mirror(self), _experiment(self)) if fault]
        if faults:
            raise WeightsRefused("; ".join(faults))

    @property
    def answering(self) -> tuple[Arm, ...]:
        """The arms that answer some of the requests."""
        return tuple(arm for arm in ARMS if self.weights.get(arm))

    @property
    def sticky(self) -> bool:
        """Whether a user stays with one arm."""
        return "challenger" in self.answering

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in vars(self).items()}


class Target(Protocol):
    """Whoever splits the traffic.

    Setting the same again changes nothing, and whoever is killed while setting leaves the old split or the new one
    whole. Once `set` returns no request goes by the old one.
    """

    def get(self, service: str) -> Split | None:
        """The split of a service; None where none was ever set."""
        ...

    def set(
        self,
        service: str,
        weights: Mapping[Arm, int],
        where: Mapping[Arm, Address],
        mirror: Arm | None = None,
        salt: str = "",
    ) -> None:
        """Divide the traffic of a service from now on."""
        ...


def _numbers(split: Split) -> str:
    wrong = {arm: share for arm, share in split.weights.items() if type(share) is not int or not 0 <= share <= 100}
    if wrong:
        return f"weights: {wrong} are not whole per cent from 0 to 100"
    total = sum(split.weights.values())
    return f"weights: {dict(split.weights)} sum to {total}; make them sum to 100" if total != 100 else ""


def _arms(split: Split) -> str:
    unknown = {*split.weights, *split.where, *([split.mirror] if split.mirror else [])} - {*ARMS}
    if unknown:
        return f"arms: {', '.join(sorted(map(str, unknown)))} unknown; there are {', '.join(ARMS)}"
    lost = [arm for arm in ARMS if (split.weights.get(arm) or arm == split.mirror) and not split.where.get(arm)]
    if lost:
        return f"where: say where {' and '.join(lost)} answers"
    twice = len({*split.where.values()}) < len(split.where)
    return f"where: two arms have one address: {dict(split.where)}" if twice else ""


def _mirror(split: Split) -> str:
    if split.mirror is None or not split.weights.get(split.mirror):
        return ""
    return f"mirror: {split.mirror} answers already; a copy goes to an arm of weight 0"


def _experiment(split: Split) -> str:
    if not split.weights.get("challenger"):
        return ""
    if split.weights.get("previous"):
        return "weights: no canary runs during an experiment; end it, or take previous out"
    return "" if split.salt else "salt: an experiment needs one, its name for instance"
