"""What a person may choose when starting a flow: models and algorithms by name, hyperparameters with their defaults.

Prefect's page draws a field for each of these types. They are made from the families' own config classes, so that no
name, default, range or description is written twice.
"""

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from models.families import models
from models.family import Family

if TYPE_CHECKING:
    ModelName = str
else:
    ModelName = Literal[tuple(models())]
FIRST_MODEL: ModelName = next(iter(models()))
"""What a form is filled in with."""


def hyperparameters(family: Family[Any, Any]) -> type[BaseModel]:
    """A class with a field for each hyperparameter that any algorithm of the family has.

    What no algorithm knows is let through, for the algorithm asked for to refuse it by name.
    """
    fields: dict[str, Any] = {"seed": None}  # the one that is changed most stands first
    for algorithm in family.algorithms.values():
        for name, field in algorithm.config.model_fields.items():
            fields[name] = fields.get(name) or (field.annotation, _titled(field, name))
    name = "".join(part.title() for part in family.name.split("-")) + "Hyperparameters"
    known = {field: made for field, made in fields.items() if made}
    return create_model(name, __config__=ConfigDict(extra="allow", frozen=True), **known)


def _titled(field: FieldInfo, name: str) -> FieldInfo:
    """The field, shown under the name that it is given by everywhere else."""
    shown = copy(field)
    shown.title = name
    return shown


def changed(params: BaseModel | Mapping[str, Any] | None) -> dict[str, Any]:
    """Only what is not at its default; the algorithm fills in the rest, and one that lacks a name is not given it."""
    if isinstance(params, BaseModel):
        return params.model_dump(exclude_defaults=True)
    return dict(params or {})
