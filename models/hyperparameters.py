"""Checks hyperparameters against an algorithm's config class, and says which there are."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.errors import BadData

Config = TypeVar("Config", bound=BaseModel)


def configured(kind: type[Config], algorithm: str, params: Mapping[str, Any]) -> Config:
    """The config with these hyperparameters.

    Raises:
        BadData: One is not known, and the message lists those that are; or its value is out of range.
    """
    try:
        return kind(**params)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = f"it has {', '.join(kind.model_fields)}" if kind.model_fields else "it has none"
            raise BadData(f"{algorithm} has no hyperparameter {name!r}; {known}") from exc
        raise BadData(f"hyperparameter {name} of {algorithm}: {first['msg']}") from exc
