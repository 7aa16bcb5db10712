"""What a service tells about itself: OpenAPI with the errors that it really gives and the body that it really reads."""

from typing import Any

from pydantic import BaseModel

from web.problems import MEDIA_TYPE
from web.settings import HttpSettings

_PROBLEMS = {
    "413": "The body is too large.",
    "415": "The body is of another media type.",
    "422": "The input cannot be answered; each error names a field and a remedy.",
    "500": "The service failed; its log says why under the request_id.",
    "503": "The service is busy or not ready; Retry-After says when to come back.",
}
_TOKENS = {
    "401": "The caller is not known: no token, or one that proves nothing.",
    "403": "The token is meant for another service.",
}
_RATES = {"429": "The caller asks too often; Retry-After says when to come back."}
_BODILESS = ("401", "403", "429", "500", "503")
_TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "request_id"), _TEXT),
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object", "properties": {"field": _TEXT, "remedy": _TEXT}}},
    },
}


def with_problems(spec: dict[str, Any], settings: HttpSettings) -> dict[str, Any]:
    """A description in which every operation names the problems that the middleware answers; it is changed."""
    components = spec.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    told = _PROBLEMS
    if settings.jwks_url:
        told = told | _TOKENS
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        spec["security"] = [{"token": []}]
    if settings.requests_per_minute:
        told = told | _RATES
    for path in spec["paths"].values():
        for operation in path.values():
            given = {status: told for status, told in operation["responses"].items() if status < "400"}
            found = _refusals(told, "requestBody" in operation, bool(operation.get("parameters")))
            operation["responses"] = given | found
    return spec


def _refusals(problems: dict[str, str], body: bool, parameters: bool) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told = [status for status in problems if body or status in _BODILESS or (parameters and status == "422")]
    return {status: {"description": problems[status], "content": content} for status in told}


def add_body(spec: dict[str, Any], operation: dict[str, Any], asked: type[BaseModel], media_type: str) -> None:
    """Describe what a route reads: every bound, unit and default of its fields."""
    schema = asked.model_json_schema(ref_template="#/components/schemas/{model}")
    spec.setdefault("components", {}).setdefault("schemas", {}).update(schema.pop("$defs", {}))
    schema.pop("root_input", None)
    operation["requestBody"] = {"required": True, "content": {media_type: {"schema": schema}}}
