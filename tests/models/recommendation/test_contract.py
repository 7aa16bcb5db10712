from dataclasses import replace

import pandas as pd
import pytest

from models.recommendation.data import RecommenderData
from models.recommendation.family import FAMILY
from tests.models.contract import ModelContract
from tests.models.recommendation.conftest import catalogue, market

NOBODY = pd.DataFrame({"user_id": [None], "item_id": [None], "timestamp": [None]})


class TestRecommenders(ModelContract):
    family = FAMILY
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

    @pytest.fixture(scope="class")
    def data(self):
        return RecommenderData(market(n_users=30, n_items=30), catalogue(34), "market")

    @pytest.fixture(scope="class")
    def requests(self):
        return [
            {"user_id": "u001"},
            {"user_id": "u002", "n_recommendations": 100, "exclude_items": ["i004", "no such item"]},
            {"user_id": "u003", "mode": "again"},
        ]

    @pytest.fixture(scope="class")
    def stranger(self):
        return {"user_id": "somebody new", "n_recommendations": 3}

    def one_row(self, data):
        return replace(data, interactions=data.interactions.head(1))

    def hollow(self, data):
        return replace(data, interactions=pd.concat([data.interactions, NOBODY], ignore_index=True))

    def nothing(self, data):
        return replace(data, interactions=NOBODY)

    def test_somebody_new_is_shown_what_is_popular(self, model, stranger):
        assert model.answer(stranger)["recommendations"][0]["product_id"] == "i000"

    def test_the_saved_files_name_the_algorithm_that_ranks(self, model, saved):
        import json

        ranker = json.loads((saved / "model.json").read_text())["ranker"]
        assert ranker == model.ranker.algorithm and ranker in FAMILY.algorithms
