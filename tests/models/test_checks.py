"""What families look at besides their primary metric, on evaluations made up for it."""

from types import SimpleNamespace

import pytest

from models.evaluation import Checks
from models.families import family, models


def forecast(coverage=0.95, steps=None, **series):
    slices = {"coverage_by_step": steps or {"1": 0.95}, "series": {"scored": 30, "too_short": 0} | series}
    return SimpleNamespace(metrics={"coverage@95": coverage}, slices=slices)


def leaves(labels, ece=0.02, rejected=0.1, n=200):
    return SimpleNamespace(metrics={"ece": ece, "rejected": rejected}, n=n, slices={"label": labels})


def recommendations(coverage=0.3, falls_back_to=None):
    return SimpleNamespace(
        metrics={"coverage": coverage}, baselines={"popularity": {"coverage": 0.01}}, falls_back_to=falls_back_to
    )


GOOD = {"rust": {"n": 40, "accuracy": 0.9}}


@pytest.mark.parametrize(
    ("model", "evaluation"),
    [
        ("demand-forecaster", forecast()),
        ("leaf-disease", leaves(GOOD)),
        ("leaf-disease", leaves(GOOD | {"rare": {"n": 3, "accuracy": 0.0}})),
        ("recommender", recommendations()),
        ("recommender", recommendations(0.01, "popularity")),
    ],
)
def test_where_all_is_well_nothing_is_said(model, evaluation):
    assert family(model).checks(evaluation) == Checks()


@pytest.mark.parametrize(
    ("model", "evaluation", "words"),
    [
        ("demand-forecaster", forecast(0.6), "its 95 % interval holds 60% of the values: it promises"),
        ("leaf-disease", leaves(GOOD | {"blight": {"n": 20, "accuracy": 0.0}}), "blight: none of 20 images"),
    ],
)
def test_what_must_not_serve_fails(model, evaluation, words):
    assert words in family(model).checks(evaluation).failures[0]


@pytest.mark.parametrize(
    ("model", "evaluation", "words"),
    [
        ("demand-forecaster", forecast(0.85), "its 95 % interval holds 85% of the values"),
        ("demand-forecaster", forecast(steps={"1": 0.95, "14": 0.7}), "at 1 of 2 steps ahead; worst: step 14, 70%"),
        ("demand-forecaster", forecast(too_short=40), "40 of 70 series are too short"),
        ("leaf-disease", leaves(GOOD | {"blight": {"n": 20, "accuracy": 0.3}}), "blight: accuracy 0.30 of 20 images"),
        ("leaf-disease", leaves(GOOD, ece=0.2), "calibration error 0.20"),
        ("leaf-disease", leaves(GOOD, rejected=0.5), '"unsure" about 50% of the images'),
        ("recommender", recommendations(0.01), "everybody is shown much the same"),
    ],
)
def test_what_a_person_should_see_is_a_warning_and_no_failure(model, evaluation, words):
    found = family(model).checks(evaluation)
    assert found.failures == ()
    assert words in found.warnings[0]


@pytest.mark.parametrize("model", list(models()))
def test_a_recipe_under_another_seed_differs_in_its_seed_alone_or_there_is_none(model):
    found = family(model)
    recipe = found.default_recipe(found.default)
    other = found.reseeded(recipe, 7)
    assert other is None or {k: v for k, v in other.params.items() if recipe.params.get(k) != v} == {"seed": 7}
