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
    return tuple(FieldError(_path(found["loc"]), _remedy(found, asked)) for found in findings)


def _path(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc)[:200] or "body"


def _remedy(found: Any, asked: type[BaseModel]) -> str:
    kind, loc = found["type"], found["loc"]
    if kind == "extra_forbidden":
        return _unknown(str(loc[-1]), asked)
    if kind == "json_invalid":
        return f"send valid JSON ({found['ctx']['error']})"
    if not loc:
        return found["msg"].removeprefix("Value error, ")
    wanted = "give this field" if kind == "missing" else found["msg"].removeprefix("Value error, ")
    meaning = asked.model_fields[str(loc[0])].description if str(loc[0]) in asked.model_fields else None
    return f"{wanted} ({meaning})" if meaning else wanted


def _unknown(name: str, asked: type[BaseModel]) -> str:
    known = list(asked.model_fields)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"remove it; the fields are {', '.join(known)}"
