import pytest

from flows.reproduce import Trained, compare, figures

THEN = Trained({"metrics.mase": 0.5, "beats.naive.low": None}, {"model.json": "a", "training/model.keras": "k"})


def test_the_same_figures_and_files_are_the_same():
    outcome = compare(THEN, THEN)
    assert (outcome["same"], outcome["differ"]) == (True, [])
    assert outcome["metrics"]["metrics.mase"] == {"then": 0.5, "now": 0.5}


@pytest.mark.parametrize(
    ("figure", "differ"),
    [(0.5 + 4e-10, []), (0.5 + 2e-9, ["metrics.mase"]), (None, ["metrics.mase"]), (float("nan"), ["metrics.mase"])],
)
def test_a_figure_is_the_same_to_a_billionth(figure, differ):
    assert compare(THEN, THEN._replace(metrics=THEN.metrics | {"metrics.mase": figure}))["differ"] == differ


def test_a_file_that_serves_has_to_be_the_same_and_one_kept_beside_it_not():
    for name, differ in (("model.json", ["model.json"]), ("training/model.keras", [])):
        assert compare(THEN, THEN._replace(files=THEN.files | {name: "other"}))["differ"] == differ


def test_a_figure_or_file_that_is_missing_or_new_differs():
    assert compare(THEN, Trained({}, THEN.files))["differ"] == ["metrics.mase"]  # the other had no value then, either
    assert compare(THEN, THEN._replace(files=THEN.files | {"new.npz": "n"}))["differ"] == ["new.npz"]


def test_every_figure_of_an_evaluation_is_compared_but_not_how_long_it_took():
    slices = {"new": {"n": 2, "mase": 0.7}}
    document = {"n": 9, "metrics": {"mase": 0.5}, "beats": {"naive": {"low": 0.1}}, "slices": slices, "seconds": 3.0}
    wanted = {"n": 9, "metrics.mase": 0.5, "beats.naive.low": 0.1, "slices.new.n": 2, "slices.new.mase": 0.7}
    assert figures(document | {"model": "m"}) == wanted
