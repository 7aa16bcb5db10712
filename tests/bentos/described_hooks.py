"""What Schemathesis is told besides a service's own description; it reads this file itself."""

import numpy as np
import schemathesis
from hypothesis import strategies
from schemathesis.core.failures import Failure

from features.synthetic_leaves import photograph

BEYOND_A_SCHEMA = {
    "/api/v1/recommendations": {"min_new", "user_id", "exclude_items"},
    "/api/v1/forecast": {"historical_data", "series_id", "start", "freq", "regressors"},
    "/api/v1/disease-detection": {"file", "body"},
}
"""Fields with a rule that no schema can say: between fields, of what the model knows, of what is no photograph."""

LEAVES = [photograph(label, 96, np.random.default_rng(1)) for label in ("bean__healthy", "corn__rust")]
schemathesis.openapi.format("binary", strategies.sampled_from(LEAVES))


@schemathesis.check
def refused_for_a_reason(ctx, response, case):
    """A request that fits the description is answered, or told which rule beyond it is broken."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    fields = {error["field"].split(".")[0] for error in response.json()["errors"]}
    if not fields or fields - BEYOND_A_SCHEMA.get(case.operation.path, set()):
        raise Failure(operation=case.operation.label, title="Refused without a reason", message=response.text)


@schemathesis.hook
def filter_body(context, body):
    """A form cannot hold an empty list: of what is left out on the way, no service can know."""
    form = context.operation is not None and context.operation.path.endswith("disease-detection")
    return not (form and isinstance(body, dict) and any(value in ([], {}) for value in body.values()))
