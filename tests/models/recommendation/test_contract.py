import pytest

from models.recommendation.family import FAMILY as family
from tests.models.contract import ModelContract


class TestRecommenders(ModelContract):
    family = family
    bad_requests = (
        {},
        {"user_id": ""},
        {"user_id": 7},
        {"user_id": "u001", "n_recommendations": 0},
        {"user_id": "u001", "n_recommendations": 101},
        {"user_id": "u001", "n_recommendations": float("nan")},
        {"user_id": "u001", "n_recommendations": True},
        {"user_id": "u001", "exclude_items": "i001"},
        {"user_id": "u001", "exclude_items": [1]},
        {"user_id": "u001", "mode": "surprise"},
    )

    @pytest.fixture(params=family.algorithms)
    def recipe(self, request):
        return family.default_recipe(request.param)

    @pytest.fixture
    def requests(self):
        return [
            {"user_id": "u001"},
            {"user_id": "u002", "n_recommendations": 100, "exclude_items": ["i004", "no such item"]},
            {"user_id": "u003", "mode": "again"},
            {"user_id": "somebody new", "n_recommendations": 3},
        ]

    def test_one_row_is_enough_to_answer(self, recipe, data):
        from dataclasses import replace

        model = self.family.fit(replace(data, interactions=data.interactions.head(1)), recipe)
        assert model.answer({"user_id": "somebody new"})["recommendations"][0]["product_id"]

    def test_rows_of_nan_are_left_out(self, recipe, data, requests):
        import pandas as pd

        hollow = pd.concat([data.interactions, pd.DataFrame({"user_id": [None], "item_id": [None]})], ignore_index=True)
        clean = self.family.fit(data, recipe)
        model = self.family.fit(type(data)(hollow, data.items, data.name), recipe)
        assert [model.answer(r) for r in requests] == [clean.answer(r) for r in requests]
