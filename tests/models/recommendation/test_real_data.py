import pytest

from models.recommendation.family import FAMILY as family

QUICK = {"validation_cells": 300_000}
"""A fifth of the users that are asked by default when weights are chosen."""


@pytest.fixture(scope="module")
def movies(shared_data):
    return family.read(shared_data / "interactions" / "movies")


def test_movies_reach_their_target_and_popularity_its_reference(movies):
    found = family.evaluate(movies, family.default_recipe("collaborative", **QUICK))[0]
    assert found.baselines["popularity"]["ndcg@10"] == pytest.approx(0.0860, abs=5e-5)
    assert found.metrics["ndcg@10"] >= 0.1415
    assert found.gain_over("popularity").low > 0


def test_new_movies_are_ranked_better_than_by_the_popularity_of_their_genres(movies):
    settled = family.default_recipe("content", content_reg=10.0, taste=1.0)
    found = family.evaluate(movies, settled, protocol={"name": "cold-items"})[0]
    assert found.gain_over("similar_popularity").low > 0


def test_groceries_with_little_signal_never_lose_to_popularity(shared_data):
    data = family.read(shared_data / "interactions" / "groceries.csv")
    found = family.evaluate(data, family.default_recipe("hybrid", **QUICK))[0]
    assert found.metrics["ndcg@10"] >= found.baselines["popularity"]["ndcg@10"] >= 0.341
