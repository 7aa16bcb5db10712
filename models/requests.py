"""What may be asked: one request a route, by which whoever serves, answers in advance or replays reads."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from models.errors import BadRequest

LONGEST_ID = 256
"""Characters; as many as the store takes."""


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("give an id that is not blank")
    return text


def _without_point(number: Any) -> Any:
    """JSON has one kind of number: 62.0 is a whole one, as its schemas say, too."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


WITHOUT_POINT = BeforeValidator(_without_point)
Whole = Annotated[int, WITHOUT_POINT]
Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID), AfterValidator(_not_blank)]


class Request(BaseModel):
    """Known fields only, each of its own type, in its bounds; every bound stands in the field's declaration alone."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


Asked = TypeVar("Asked", bound=Request)


def read(asked: type[Asked], request: Mapping[str, Any]) -> Asked:
    """A request as its route would take it as JSON.

    Raises:
        BadRequest: A field is unknown, missing, malformed or out of range; it names the first one.
    """
    try:
        return asked.model_validate_json(to_json(request, inf_nan_mode="constants"))
    except PydanticSerializationError as exc:
        raise BadRequest("request", f"send what JSON can hold ({exc})") from exc
    except ValidationError as exc:
        found = exc.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, found["loc"])) or "request"
        raise BadRequest(field, _remedy(asked, str(found["loc"][0] if found["loc"] else ""), found)) from exc


def _remedy(asked: type[Request], field: str, found: Any) -> str:
    if found["type"] == "extra_forbidden":
        return f"not a field of this request; give {', '.join(asked.model_fields)}"
    meaning = asked.model_fields[field].description if field in asked.model_fields else None
    words = "give this field" if found["type"] == "missing" else found["msg"].removeprefix("Value error, ")
    return f"{words} ({meaning})" if meaning else words
