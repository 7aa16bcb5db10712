"""What a service tells about itself: its OpenAPI description, and a page to try it on."""

import json
from collections.abc import Mapping
from typing import Any

from bentos.questions import Question
from web.openapi import add_body, with_problems
from web.settings import HttpSettings

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


def described(service: Any, questions: Mapping[str, type[Question]], settings: HttpSettings) -> dict[str, Any]:
    """BentoML's description of a service, with the errors and the body that it really has.

    Args:
        service: The BentoML service.
        questions: What each of its routes is asked.
        settings: Whom it answers.
    """
    spec: dict[str, Any] = json.loads(json.dumps(service.openapi_spec.asdict()))
    spec["info"].pop("contact", None)
    spec["openapi"] = "3.1.0"  # in 3.0, which BentoML says, a schema cannot be null
    for route, question in questions.items():
        add_body(spec, spec["paths"][route]["post"], question, question.reads)
    return with_problems(spec, settings)
