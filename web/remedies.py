"""What to change, in the words of the person who called: from pydantic's findings to fields with remedies."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from web.problems import FieldError

MAX_ERRORS = 20
"""Findings told at a time; a body can hold thousands."""


def field_errors(error: ValidationError, asked: type[BaseModel]) -> tuple[FieldError, ...]:
    """Each finding as a field and its remedy, at most `MAX_ERRORS`."""
    findings = error.errors(include_url=False, include_context=True, include_input=False)[:MAX_ERRORS]
    return tuple(FieldError(path(found["loc"]), _remedy(found, asked)) for found in findings)


def path(loc: tuple[int | str, ...]) -> str:
    """Where in a body something was found; the body itself where it is nowhere in particular."""
    return ".".join(str(part) for part in loc)[:200] or "body"


def words(found: Any) -> str:
    """A finding as a remedy, without what is known of its field."""
    return "give this field" if found["type"] == "missing" else found["msg"].removeprefix("Value error, ")


def _remedy(found: Any, asked: type[BaseModel]) -> str:
    kind, loc = found["type"], found["loc"]
    if kind == "extra_forbidden":
        return _unknown(str(loc[-1]), asked)
    if kind == "json_invalid":
        return f"send valid JSON ({found['ctx']['error']})"
    meaning = asked.model_fields[str(loc[0])].description if loc and str(loc[0]) in asked.model_fields else None
    return f"{words(found)} ({meaning})" if meaning else words(found)


def _unknown(name: str, asked: type[BaseModel]) -> str:
    known = list(asked.model_fields)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"remove it; the fields are {', '.join(known)}"
