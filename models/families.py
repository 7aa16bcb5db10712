"""The registered models, one record each; whatever else has to know of a model is derived from its record.

Somebody else's package adds its own by an entry point of the group `agrologistic.families` that names a
`RegisteredModel`. Nothing here imports a family before it is asked for, so that the command line can name them all.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from base.packages import joined
from models.errors import UnknownModel

if TYPE_CHECKING:
    from models.family import Family

GROUP = "agrologistic.families"


@dataclass(frozen=True)
class Service:
    """A process that answers for one model or several."""

    name: str
    target: str
    """Import path of its BentoML service, `module:Class`."""
    port: int
    """Where it answers on the local platform, unless a setting moves it."""


@dataclass(frozen=True)
class RegisteredModel:
    """All that the platform has to be told of a model."""

    name: str
    """As the registry has it, and every command."""
    module: str
    """Its family, imported when it is needed."""
    kind: str
    """The kind of data that it learns from, as `features.kinds` has it; of another package's own, the import path of
    its `Kind`, `module:NAME`."""
    service: Service
    route: str
    in_advance: bool
    """Whether everybody it knows can be answered before they ask."""
    flow: str
    """Name of the flow that trains it."""
    every_days: int = 1
    """Days between two scheduled trainings."""

    @property
    def slot(self) -> str:
        """The slot that a training holds, so that there is one at a time; its deployment has the same name."""
        return f"train-{self.name}"


OWN = (
    RegisteredModel(
        name="recommender",
        module="models.recommendation.family",
        kind="interactions",
        service=Service("recommender", "bentos.services.recommender:Recommender", 3001),
        route="/api/v1/recommendations",
        in_advance=True,
        flow="train-recommender",
    ),
    RegisteredModel(
        name="demand-forecaster",
        module="models.forecasting.family",
        kind="demand",
        service=Service("forecaster", "bentos.services.forecaster:Forecaster", 3002),
        route="/api/v1/forecast",
        in_advance=True,
        flow="train-forecaster",
    ),
    RegisteredModel(
        name="leaf-disease",
        module="models.disease.family",
        kind="leaves",
        service=Service("leaf-disease", "bentos.services.leaf_disease:LeafDisease", 3003),
        route="/api/v1/disease-detection",
        in_advance=False,
        flow="train-leaf-disease",
        every_days=7,
    ),
)


@cache
def models() -> dict[str, RegisteredModel]:
    """Every registered model by name, our own first.

    Raises:
        BadPackage: What another package adds is no record, or has a name that is taken.
    """
    return joined(GROUP, OWN, RegisteredModel, "there is a model")


def routes() -> dict[str, list[str]]:
    """The paths that lead to each registered model."""
    return {name: [one.route] for name, one in models().items()}


def registered(name: str) -> RegisteredModel:
    """The record of a registered model.

    Raises:
        UnknownModel: No model carries that name.
    """
    own = {one.name: one for one in OWN}
    if name in own:  # whatever is wrong with another package
        return own[name]
    if name not in models():
        raise UnknownModel(f"model {name!r} is not known; choose one of {', '.join(models())}")
    return models()[name]


def family(name: str) -> "Family[Any, Any]":
    """The family of a registered model: the `FAMILY` of its module, imported when it is first asked for.

    Raises:
        UnknownModel: No model carries that name.
    """
    return cast("Family[Any, Any]", import_module(registered(name).module).FAMILY)
