"""What was asked and answered lately, so that it can be asked again."""

import json
from datetime import datetime
from typing import Any

from features.sql import query
from features.store import Store

Pair = tuple[dict[str, Any], dict[str, Any]]
"""A request and its answer."""


def last(store: Store, model: str, version: str, before: datetime, count: int) -> list[Pair]:
    """The last requests that a version answered as champion before a moment, newest first."""
    asked = {"model_name": model, "model_version": version, "before": before.replace(tzinfo=None), "count": count}
    rows = store.arrow(query("last_predictions"), asked).to_pylist()
    return [(json.loads(row["request"]), json.loads(row["response"])) for row in rows]
