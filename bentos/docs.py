"""What a service tells about itself: its OpenAPI description, and a page to try it on."""

import json
from typing import Any

from bentos.questions import Question
from web.problems import MEDIA_TYPE

FRONT = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <title>AgroLogistic</title>
    <link rel="stylesheet" href="./static_content/swagger-ui.css">
    <link rel="icon" href="data:,">
  </head>
  <body>
    <div id="front"></div>
    <script src="./static_content/swagger-ui-bundle.js" charset="UTF-8"></script>
    <script>SwaggerUIBundle({url: "./docs.json", dom_id: "#front", deepLinking: true, validatorUrl: null});</script>
  </body>
</html>
"""
"""BentoML's own page reports each visitor to a tracker; this one has its Swagger UI and nothing more."""

_PROBLEMS = {
    "413": "The body is too large.",
    "415": "The body is of another media type.",
    "422": "The input cannot be answered; each error names a field and a remedy.",
    "500": "The service failed; its log says why under the request_id.",
    "503": "The service is busy or not ready; Retry-After says when to come back.",
}
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


def described(service: Any, question: type[Question]) -> dict[str, Any]:
    """BentoML's description of a service, with the errors and the body that the door really has.

    Args:
        service: The BentoML service.
        question: What its route is asked.
    """
    spec: dict[str, Any] = json.loads(json.dumps(service.openapi_spec.asdict()))
    spec["info"].pop("contact", None)
    spec.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path in spec["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"] = {"required": True, "content": {question.reads: _schema(question)}}
                operation["responses"] = {"200": operation["responses"]["200"], **_refusals()}
    return spec


def _refusals() -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": why, "content": content} for status, why in _PROBLEMS.items()}


def _schema(question: type[Question]) -> dict[str, Any]:
    return {"schema": {key: value for key, value in question.model_json_schema().items() if key != "root_input"}}
