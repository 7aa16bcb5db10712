"""Checks hyperparameters against an algorithm's config class, and says which there are."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
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
            told = f"{algorithm} has no hyperparameter {name!r}; {known}{did_you_mean(name, kind.model_fields)}"
            raise BadData(told) from exc
        raise BadData(f"hyperparameter {name} of {algorithm}: {first['msg']}") from exc


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that is most like a wrong one, as the end of a sentence; empty where none is.

    >>> did_you_mean("epoch", ["seed", "epochs"])
    "; did you mean 'epochs'?"
    """
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
