"""What every model of every family must do; a family's test class inherits these tests and gives three fixtures."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from models.errors import ModelError


def same(a, b):
    """Whether two answers agree, numbers to 1e-9."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float):
        return b == pytest.approx(a, rel=1e-9, abs=1e-9)
    return a == b


def frames(data):
    """The frames inside a family's data, by name."""
    if isinstance(data, pd.DataFrame):
        return {"": data}
    return {k: v for k, v in vars(data).items() if isinstance(v, pd.DataFrame)}


class ModelContract:
    """Inherit, set `family` to the family's module and give the fixtures `data`, `recipe` and `requests`.

    `requests` are answerable requests; `bad_requests` are refused with a ModelError.
    """

    family = None
    bad_requests: tuple = ()

    @pytest.fixture
    def model(self, data, recipe):
        return self.family.fit(data, recipe)

    def test_saved_and_loaded_gives_the_same_answers(self, model, requests, tmp_path):
        model.save(tmp_path)
        loaded = self.family.load(tmp_path)
        assert all(same(model.answer(dict(r)), loaded.answer(dict(r))) for r in requests)

    def test_the_saved_files_run_no_code_when_read(self, model, tmp_path):
        model.save(tmp_path)
        assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} <= {".npz", ".json", ".onnx", ".parquet"}
        header = json.loads((tmp_path / "model.json").read_text())
        assert {"family", "algorithm", "params", "format"} <= header.keys()

    def test_fitting_leaves_its_input_alone(self, data, recipe):
        before = {name: frame.copy(deep=True) for name, frame in frames(data).items()}
        self.family.fit(data, recipe)
        for name, frame in frames(data).items():
            pd.testing.assert_frame_equal(frame, before[name])

    def test_answering_leaves_the_request_alone(self, model, requests):
        for request in requests:
            before = copy.deepcopy(request)
            model.answer(request)
            assert request == before

    def test_answers_are_plain_json_without_nan(self, model, requests):
        for request in requests:
            json.dumps(model.answer(request), allow_nan=False)

    def test_fitted_twice_is_identical(self, data, recipe, requests):
        first, second = self.family.fit(data, recipe), self.family.fit(data, recipe)
        assert all(same(first.answer(dict(r)), second.answer(dict(r))) for r in requests)

    def test_evaluated_twice_is_identical(self, data, recipe):
        first, second = (self.family.evaluate(data, [recipe])[0] for _ in range(2))
        assert same(first.metrics, second.metrics)
        name = first.algorithm
        np.testing.assert_allclose(first.unit_scores[name], second.unit_scores[name], rtol=0, atol=1e-9)

    def test_bad_requests_are_refused_by_name(self, model):
        for request in self.bad_requests:
            with pytest.raises(ModelError):
                model.answer(request)

    def test_its_own_golden_requests_repeat(self, model, data):
        golden = self.family.golden(model, data)
        assert golden
        assert all(same(g["answer"], model.answer(dict(g["request"]))) for g in golden)
