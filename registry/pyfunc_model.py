"""How MLflow loads a registered model: this file is logged as the model's code, the files beside it are its data.

No pickle is written or read: the family named in `model.json` loads its own files. Requests are those of the HTTP
endpoint, as a list of dicts or as a frame with a row a request; the answer is a list with the endpoint's bodies.
"""

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models import families


class FamilyModel(mlflow.pyfunc.PythonModel):
    """A model of any family, asked as its endpoint is asked."""

    def load_context(self, context: Any) -> None:
        """Load the files that `Model.save` wrote."""
        folder = Path(context.artifacts["model"])
        name = json.loads((folder / "model.json").read_text())["family"]
        self.model = families.family(name).load(folder)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """One answer a request; MLflow passes lists of dicts on as they are, and knows no type for them."""
        return [self.model.answer(request) for request in _requests(model_input)]


def _requests(asked: Any) -> list[dict[str, Any]]:
    if isinstance(asked, pd.DataFrame):
        rows = asked.to_dict("records")
        return [{str(key): value for key, value in row.items() if not _is_blank(value)} for row in rows]
    return [asked] if isinstance(asked, dict) else list(asked)


def _is_blank(value: Any) -> bool:
    """An empty cell: the request does not have that field."""
    return value is None or (isinstance(value, float) and value != value)


mlflow.models.set_model(FamilyModel())
