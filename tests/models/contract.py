"""What every algorithm of every family must do; a family's test class inherits these tests."""

import copy
import json

import numpy as np
import pandas as pd
import pytest

from models.errors import BadData, BadRequest, ModelError, UnknownAlgorithm


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
    """Inherit, set `family` to the family and give the fixtures `data`, `requests` and `stranger` (scope `class`).

    `requests` are answerable requests, `stranger` one about somebody or something that the model has not seen,
    `bad_requests` are refused with a ModelError. `one_row`, `hollow` and `nothing` make other data of the data: one
    row, the same with rows that say nothing, and rows that say nothing alone. An algorithm is fitted three times and
    evaluated twice for all of the tests; a family for which that is dear gives those fixtures itself.
    """

    family = None
    bad_requests: tuple = ()

    def pytest_generate_tests(self, metafunc):
        if "algorithm" in metafunc.fixturenames:
            metafunc.parametrize("algorithm", list(self.family.algorithms), scope="class")

    @pytest.fixture(scope="class")
    def recipe(self, algorithm):
        return self.family.default_recipe(algorithm)

    @pytest.fixture(scope="class")
    def fitted(self, data, recipe):
        """A model, and whether its data are what they were."""
        before = {name: frame.copy(deep=True) for name, frame in frames(data).items()}
        model = self.family.fit(data, recipe)
        return model, all(frame.equals(before[name]) for name, frame in frames(data).items())

    @pytest.fixture(scope="class")
    def model(self, fitted):
        return fitted[0]

    @pytest.fixture(scope="class")
    def twin(self, data, recipe):
        return self.family.fit(data, recipe)

    @pytest.fixture(scope="class")
    def evaluated(self, data, recipe):
        """The documents of two evaluations."""
        return [self.family.evaluate(data, recipe)[0].to_json() for _ in range(2)]

    @pytest.fixture(scope="class")
    def saved(self, model, tmp_path_factory):
        folder = tmp_path_factory.mktemp("saved")
        model.save(folder)
        return folder

    def test_saved_and_loaded_gives_the_same_answers(self, model, saved, requests):
        loaded = self.family.load(saved)
        assert all(same(model.answer(dict(r)), loaded.answer(dict(r))) for r in requests)

    def test_the_saved_files_run_no_code_when_read(self, saved):
        kinds = {".npz", ".json", ".onnx", ".parquet", ".keras"}
        assert {p.suffix for p in saved.rglob("*") if p.is_file()} <= kinds

    def test_the_saved_files_name_the_algorithm_and_only_that_one_loads_them(self, saved, recipe, tmp_path):
        header = json.loads((saved / "model.json").read_text())
        assert {"family", "algorithm", "params", "format"} <= header.keys()
        assert (header["family"], header["algorithm"]) == (self.family.name, recipe.algorithm)
        (tmp_path / "model.json").write_text(json.dumps(header | {"algorithm": "oracle", "ranker": "oracle"}))
        for path in saved.iterdir():
            if path.is_file() and path.name != "model.json":
                (tmp_path / path.name).write_bytes(path.read_bytes())
        with pytest.raises(UnknownAlgorithm, match="has no algorithm 'oracle'"):
            self.family.load(tmp_path)

    def test_fitting_leaves_its_input_alone(self, fitted):
        assert fitted[1]

    def test_answering_leaves_the_request_alone(self, model, requests):
        for request in requests:
            before = copy.deepcopy(request)
            model.answer(request)
            assert request == before

    def test_answers_are_plain_json_without_nan(self, model, requests):
        for request in requests:
            json.dumps(model.answer(request), allow_nan=False)

    def test_fitted_twice_is_identical(self, model, twin, requests):
        assert all(same(model.answer(dict(r)), twin.answer(dict(r))) for r in requests)

    def test_evaluated_twice_is_identical(self, evaluated, recipe):
        first, second = ({k: v for k, v in one.items() if k != "seconds"} for one in evaluated)
        assert first["algorithm"] == recipe.algorithm and first["metrics"].keys() == second["metrics"].keys()
        assert all(same(first[part], second[part]) for part in first)

    def test_an_unknown_id_is_answered_or_refused_by_its_field(self, model, stranger):
        try:
            json.dumps(model.answer(stranger), allow_nan=False)
        except BadRequest as error:
            assert error.field in stranger and error.remedy

    def test_one_row_is_answered_or_refused_in_words(self, data, recipe, stranger):
        try:
            model = self.family.fit(self.one_row(data), recipe)
        except BadData as error:
            assert len(str(error)) > 20
        else:
            json.dumps(model.answer(stranger), allow_nan=False)

    def test_rows_that_say_nothing_change_nothing(self, data, recipe, model, requests):
        other = self.family.fit(self.hollow(data), recipe)
        assert all(same(model.answer(dict(r)), other.answer(dict(r))) for r in requests)

    def test_data_that_say_nothing_are_refused(self, data, recipe):
        with pytest.raises(BadData):
            self.family.fit(self.nothing(data), recipe)

    def test_bad_requests_are_refused_by_name(self, model):
        for request in self.bad_requests:
            with pytest.raises(ModelError):
                model.answer(request)

    def test_its_own_golden_requests_repeat(self, model, data):
        golden = json.loads(json.dumps(self.family.golden(model, data)))
        assert golden
        assert all(same(g["answer"], model.answer(dict(g["request"]))) for g in golden)

    def test_a_hyperparameter_it_does_not_know_is_refused_with_the_nearest_that_it_has(self, algorithm):
        known = list(self.family.algorithms[algorithm].config.model_fields)
        wrong = f"{known[0]}x" if known else "seed"
        words = rf"{algorithm} has no hyperparameter '{wrong}'; "
        words += rf"it has .*; did you mean '{known[0]}'\?" if known else "it has none"
        with pytest.raises(BadData, match=words):
            self.family.default_recipe(algorithm, **{wrong: 1})

    def test_what_its_seed_changes_is_told_by_its_record(self, algorithm, recipe):
        record = self.family.algorithms[algorithm]
        assert not record.random or "seed" in record.config.model_fields
        assert (self.family.reseeded(recipe, 7) is None) is not record.random

    def test_a_default_recipe_is_plain_json_and_means_the_same_when_read_back(self, recipe):
        assert json.loads(recipe.model_dump_json()) == recipe.model_dump()
        assert self.family.config(recipe) == self.family.algorithms[recipe.algorithm].config()
        assert np.all([value is not None for value in recipe.params.values()])
