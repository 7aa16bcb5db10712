import json
import sys
import types
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from models import families
from models.evaluation import Evaluation, Recipe
from registry.gate import decide
from registry.registry import Training


class Doubler:
    """The tiniest model: it answers a request's number times a factor."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        np.savez(directory / "arrays.npz", factor=np.array(self.factor))
        (directory / "model.json").write_text(json.dumps({"family": "doubler", "algorithm": "times", "format": 1}))

    def answer(self, request: dict) -> dict:
        return {"result": request["number"] * self.factor, "note": request.get("note", "none")}


@pytest.fixture(autouse=True)
def doubler(monkeypatch):
    """A model family that only these tests know."""
    module = types.ModuleType("doubler_family")
    module.FAMILY = types.SimpleNamespace(
        load=lambda directory: Doubler(float(np.load(Path(directory) / "arrays.npz")["factor"]))
    )
    monkeypatch.setitem(sys.modules, "doubler_family", module)
    known = replace(families.registered("recommender"), name="doubler", module="doubler_family")
    monkeypatch.setitem(families.models(), "doubler", known)
    return Doubler


@pytest.fixture
def evaluation():
    return evaluation_of


def mean(scores) -> float:
    finite = scores[np.isfinite(scores)]
    return float(finite.mean()) if finite.size else float("nan")


def evaluation_of(
    ours, baseline=None, *, better="higher", units=None, algorithm="times", baselines=None, **other
) -> Evaluation:
    """A hand-made evaluation; unit scores are what the caller says, figures are their means."""
    ours = np.asarray(ours, dtype=float)
    naive = np.zeros_like(ours) if baseline is None else np.asarray(baseline, dtype=float)
    theirs = {"naive": naive} | (baselines or {})
    ids = np.arange(len(ours)).astype(str) if units is None else np.asarray(units)
    return Evaluation(
        model="doubler",
        algorithm=algorithm,
        data="hand-made",
        protocol={"name": "user-holdout", "k": 10},
        metrics={"score@10": mean(ours)},
        baselines={name: {"score@10": mean(scores)} for name, scores in theirs.items()},
        n=len(ours),
        seconds=0.1,
        primary="score@10",
        better=better,
        unit_ids=ids,
        unit_scores=theirs | {algorithm: ours},
        **other,
    )


@pytest.fixture
def name() -> str:
    """A registered model that only this test sees."""
    return f"doubler-{uuid4().hex[:8]}"


@pytest.fixture
def training(tmp_path, name):
    """Makes trainings of a doubler; `good=False` does not pass its gate."""

    def make(factor: float = 2.0, good: bool = True, **other) -> Training:
        folder = tmp_path / f"model-{uuid4().hex[:8]}"
        model = Doubler(factor)
        model.save(folder)
        scores = np.resize([0.5, 0.6, 0.7], 21)
        evaluation = evaluation_of(scores, scores - 0.4 if good else scores)
        made = {
            "name": name,
            "recipe": Recipe(algorithm="times", params={"factor": factor, "layers": [8, 4]}),
            "model_dir": folder,
            "evaluation": evaluation,
            "decision": decide(evaluation, None, 0.01),
            "dataset": DATASET,
            "golden": [{"request": {"number": 3}, "answer": model.answer({"number": 3})}],
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "seconds": 4.2,
            "about": "Multiplies, for tests.",
        }
        return Training(**(made | other))

    return make


DATASET = {
    "kind": "numbers",
    "query": "SELECT number FROM numbers WHERE event_time < {as_of:DateTime64}",
    "params": {"as_of": "2024-05-01 00:00:00"},
    "as_of": datetime(2024, 5, 1, tzinfo=UTC).isoformat(),
    "known_at": datetime(2024, 5, 2, tzinfo=UTC).isoformat(),
    "rows": 1234,
    "columns": ["user_id", "item_id"],
    "content_hash": "c0ffee" * 10,
    "path": "snapshots/numbers-c0ffee.parquet",
    "contract": {"kind": "numbers", "passed": True, "checked_rows": 1234, "rules": [{"rule": "not null"}]},
}
