"""What families look at besides their primary metric, on evaluations made up for it and on real ones."""

import numpy as np
import pandas as pd
import pytest

from models.disease.evaluate import _notes, _slices
from models.disease.scoring import Answers
from models.evaluation import Checks, Evaluation, Slice
from models.families import family, models
from models.recommendation.data import RecommenderData


def evaluation(model, metrics, ours=0.9, baseline=0.2, n=200, baselines=None, **other):
    """The strongest baseline of two is `strong`."""
    found = family(model)
    scores = {found.default: np.full(3, ours), "strong": np.full(3, baseline), "weak": np.full(3, 2 * baseline)}
    if found.better == "higher":
        scores["weak"] = np.zeros(3)
    return Evaluation(
        model=model, algorithm=found.default, data="made up", protocol={}, metrics=metrics,
        baselines=baselines or {"strong": {}, "weak": {}}, n=n, seconds=0.0, primary=found.primary,
        better=found.better, unit_ids=np.arange(3), unit_scores=scores, **other,
    )  # fmt: skip


def forecast(coverage=0.95, steps=None, slices=(), **series):
    notes = {"coverage_by_step": steps or {"1": 0.95}, "series": {"scored": 30, "too_short": 0} | series}
    return evaluation("demand-forecaster", {"coverage@95": coverage}, 0.2, 0.9, notes=notes, slices=slices)


def leaves(*labels, ece=0.02, rejected=0.1):
    slices = tuple(Slice(f"label: {name}", n, score, {"strong": 0.0}) for name, n, score in labels)
    return evaluation("leaf-disease", {"ece": ece, "rejected": rejected}, slices=slices)


def recommendations(coverage=0.3, falls_back_to=None, slices=()):
    baselines = {"popularity": {"coverage": 0.01}, "strong": {}}
    return evaluation(
        "recommender", {"coverage": coverage}, baselines=baselines, falls_back_to=falls_back_to, slices=slices
    )


GOOD = ("rust", 40, 0.9)


@pytest.mark.parametrize(
    "found",
    [
        forecast(slices=(Slice("origin: 2025-01-01", 30, 0.2, {"strong": 0.9, "weak": 0.1}),)),
        leaves(GOOD),
        leaves(GOOD, ("rare", 3, 0.0)),
        recommendations(slices=(Slice("overall", 30, 0.2, {}),)),
        recommendations(0.01, "popularity"),
    ],
)
def test_where_all_is_well_nothing_is_said(found):
    assert family(found.model).checks(found) == Checks()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (forecast(0.6), "its 95 % interval holds 60% of the values: it promises"),
        (leaves(GOOD, ("blight", 20, 0.0)), "blight: none of 20 images"),
    ],
)
def test_what_must_not_serve_fails(found, words):
    assert words in family(found.model).checks(found).failures[0]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (forecast(0.85), "its 95 % interval holds 85% of the values"),
        (forecast(steps={"1": 0.95, "14": 0.7}), "at 1 of 2 steps ahead; worst: step 14, 70%"),
        (forecast(too_short=40), "40 of 70 series are too short"),
        (leaves(GOOD, ("blight", 20, 0.3)), "blight: accuracy 0.30 of 20 images"),
        (leaves(GOOD, ece=0.2), "calibration error 0.20"),
        (leaves(GOOD, rejected=0.5), '"unsure" about 50% of the images'),
        (recommendations(0.01), "everybody is shown much the same"),
    ],
)
def test_what_a_person_should_see_is_a_warning_and_no_failure(found, words):
    told = family(found.model).checks(found)
    assert told.failures == ()
    assert words in told.warnings[0]


@pytest.mark.parametrize("make", [forecast, recommendations])
def test_a_slice_where_the_strongest_baseline_does_better_is_told(make):
    behind = 0.95 if make is forecast else 0.1
    found = make(slices=(Slice("new", 40, behind, {"strong": 0.5, "weak": 0.4}), Slice("old", 9, behind, {"weak": 9})))
    told = f"new: {found.primary} {behind:.4g} against 0.5 of strong (n 40)"
    assert family(found.model).checks(found).warnings == (told,)


def test_a_recommender_behind_its_strongest_baseline_is_told_where_that_is_not_popularity():
    """All its buyers changed their minds lately: what is bought now beats what was always bought."""
    rng = np.random.default_rng(0)
    rows = [(f"u{u}", f"old{i}", k * 86_400 + u) for u in range(40) for k, i in enumerate(rng.integers(0, 12, 8))]
    rows += [
        (f"u{u}", f"new{i}", (300 + k) * 86_400 + u) for u in range(40) for k, i in enumerate(rng.integers(0, 12, 6))
    ]
    data = RecommenderData(pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]))
    found = family("recommender")
    (evaluated,) = found.evaluate(data, found.default_recipe("popularity"))
    assert evaluated.strongest == "recent_popularity"
    told = [line for line in found.checks(evaluated).warnings if "of recent_popularity" in line]
    assert [line.split(":")[0] for line in told] == ["overall", "light-user"]


def test_a_forecaster_behind_the_naive_one_at_an_origin_is_told():
    week, days = np.resize([9.0, 1, 1, 1, 1, 1, 9], 120), pd.date_range("2024-01-01", periods=120)
    walks = np.random.default_rng(0).normal(0, 0.1, (3, 120)) + week
    data = pd.concat([pd.DataFrame({"series_id": f"s{n}", "ds": days, "y": y}) for n, y in enumerate(walks)])
    found = family("demand-forecaster")
    (evaluated,) = found.evaluate(data, found.default_recipe("naive"))
    assert len([line for line in found.checks(evaluated).warnings if line.startswith("origin: 2024-")]) == 5


def test_a_leaf_model_behind_the_mean_colour_on_a_label_is_told():
    truth = np.array(["bean__rust"] * 30 + ["corn__rust"] * 30)
    ours = np.array(["corn__rust"] * 10 + ["bean__rust"] * 20 + ["corn__rust"] * 30)
    colour = np.array(["bean__rust"] * 30 + ["bean__rust"] * 20 + ["corn__rust"] * 10)
    answers, naive = (Answers(truth, said, np.full(60, 0.9), truth, frozenset(truth)) for said in (ours, colour))
    found = family("leaf-disease")
    evaluated = evaluation(
        "leaf-disease", {"ece": 0.0, "rejected": 0.0}, slices=_slices(answers, {"strong": naive}), notes=_notes(answers)
    )
    assert found.checks(evaluated).warnings == (
        "label: bean__rust: accuracy 0.6667 against 1 of strong (n 30)",
        "crop: bean: accuracy 0.6667 against 1 of strong (n 30)",
    )


@pytest.mark.parametrize("model", list(models()))
def test_a_recipe_under_another_seed_differs_in_its_seed_alone_or_there_is_none(model):
    found = family(model)
    recipe = found.default_recipe(found.default)
    other = found.reseeded(recipe, 7)
    assert other is None or {k: v for k, v in other.params.items() if recipe.params.get(k) != v} == {"seed": 7}
