import numpy as np
import pytest

from features.errors import StoreUnreachable
from flows import training
from flows.retries import passing
from models.bootstrap import RefitNoise
from models.evaluation import Evaluation, Recipe
from registry.runs import noise_key


class State:
    def __init__(self, error):
        self.error = error

    def result(self, raise_on_failure):
        return self.error


@pytest.mark.parametrize(("error", "again"), [(StoreUnreachable("gone"), True), (ValueError("wrong row"), False)])
def test_only_a_server_that_did_not_answer_is_asked_again(error, again):
    assert passing(None, None, State(error)) is again


class Seeded:
    """A family whose score follows from the seed alone; `plain` recipes have none."""

    def __init__(self):
        self.asked = []

    def reseeded(self, recipe, seed):
        return None if recipe.algorithm == "plain" else Recipe(algorithm=recipe.algorithm, params={"seed": seed})

    def evaluate(self, data, recipes, progress=None):
        self.asked = [(one.algorithm, one.params.get("seed")) for one in recipes]
        return [self.scored(one) for one in recipes]

    def scored(self, recipe):
        scores = np.full(4, 0.5 + 0.01 * recipe.params.get("seed", 0))
        return Evaluation(
            model="seeded", algorithm=recipe.algorithm, data="", protocol={}, metrics={"height": float(scores.mean())},
            baselines={}, n=4, seconds=0.0, primary="height", better="higher", unit_ids=np.arange(4),
            unit_scores={recipe.algorithm: scores},
        )  # fmt: skip


@pytest.fixture
def seeded(monkeypatch):
    made = Seeded()
    monkeypatch.setattr(training, "family", lambda name: made)
    return made


NEW, OLD = Recipe(algorithm="new", params={"seed": 0}), Recipe(algorithm="old", params={"seed": 5})


def test_without_a_champion_nothing_is_fitted_twice(seeded):
    evaluation, champion = training.evaluate.fn("seeded", None, NEW, None, 3)
    assert seeded.asked == [("new", 0)]
    assert (champion, evaluation.refit_noise) == (None, None)


def test_beside_a_champion_both_recipes_are_refitted_and_their_spread_is_told(seeded):
    evaluation, champion = training.evaluate.fn("seeded", None, NEW, OLD, 3)
    assert seeded.asked == [("old", 6), ("old", 7), ("new", 1), ("new", 2), ("old", 5), ("new", 0)]
    assert evaluation.refit_noise == champion.refit_noise == (pytest.approx(0.01), 3)
    assert (evaluation.metrics["height"], champion.metrics["height"]) == (0.5, 0.55)


def test_a_spread_that_is_known_is_not_measured_again(seeded):
    known = {noise_key(OLD): RefitNoise(0.02, 3)}
    evaluation, champion = training.evaluate.fn("seeded", None, OLD, OLD, 3, known)
    assert seeded.asked == [("old", 5)]
    assert evaluation.refit_noise == champion.refit_noise == RefitNoise(0.02, 3)


def test_a_recipe_without_chance_has_no_spread(seeded):
    plain = Recipe(algorithm="plain")
    evaluation, _ = training.evaluate.fn("seeded", None, plain, OLD, 2)
    assert seeded.asked == [("old", 6), ("old", 5), ("plain", None)]
    assert evaluation.refit_noise is None
