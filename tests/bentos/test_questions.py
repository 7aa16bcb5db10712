import asyncio
import json

import pytest
from starlette.requests import Request

from bentos.services.forecaster import Ask as Forecast
from bentos.services.recommender import Ask as Recommend
from web.problems import Problem

KNOWN = {"series_id": "s"}
OWN = {"historical_data": [1.0, 2.0, 3.0, None] * 4, "start": "2026-01-01", "freq": "D"}


def read(question, body):
    async def receive():
        return {"type": "http.request", "body": body if isinstance(body, bytes) else json.dumps(body).encode()}

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    return asyncio.run(question.read(Request(scope, receive)))


def refusals(question, body):
    with pytest.raises(Problem) as caught:
        read(question, body)
    assert caught.value.status == 422
    assert all(error.remedy for error in caught.value.errors)
    return {error.field: error.remedy for error in caught.value.errors}


def test_a_recommendation_is_asked_with_a_user_alone():
    ask = read(Recommend, {"user_id": "u"})
    assert (ask.n_recommendations, ask.exclude_items, ask.mode) == (10, [], "discover")


def test_a_whole_number_may_be_written_with_a_point():
    assert read(Recommend, {"user_id": "u", "n_recommendations": 62.0, "max_per_category": 2.0}).n_recommendations == 62
    assert read(Forecast, KNOWN | {"periods": 3.0}).periods == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": ""}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"user_id": "x" * 257}, "user_id"),
        ({"user_id": "  "}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"n_recommendations": 0}, "n_recommendations"),
        ({"n_recommendations": -5}, "n_recommendations"),
        ({"n_recommendations": 10**9}, "n_recommendations"),
        ({"n_recommendations": 10**40}, "n_recommendations"),
        ({"n_recommendations": 2.5}, "n_recommendations"),
        ({"n_recommendations": "10"}, "n_recommendations"),
        ({"n_recommendations": True}, "n_recommendations"),
        ({"n_recommendations": float("nan")}, "n_recommendations"),
        ({"exclude_items": "a"}, "exclude_items"),
        ({"exclude_items": [1]}, "exclude_items.0"),
        ({"exclude_items": ["a"] * 1001}, "exclude_items"),
        ({"mode": "both"}, "mode"),
        ({"min_new": 11}, "min_new"),
        ({"n_recommendations": 3, "min_new": 4}, "min_new"),
        ({"colour": "red"}, "colour"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_recommendation_out_of_bounds_names_its_field(change, field):
    """Guards P34."""
    assert set(refusals(Recommend, {"user_id": "u"} | change)) == {field}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"u"', b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_refused_as_a_body(body):
    assert set(refusals(Recommend, body)) == {"body"}


def test_a_misspelt_field_gets_the_right_spelling_as_remedy():
    assert refusals(Recommend, {"user_id": "u", "n_recomendations": 3}) == {
        "n_recomendations": "did you mean n_recommendations?"
    }


def test_a_field_nobody_knows_is_told_which_there_are():
    remedy = refusals(Recommend, {"user_id": "u", "zzz": 1})["zzz"]
    assert (
        remedy == "remove it; the fields are user_id, n_recommendations, exclude_items, mode, max_per_category, min_new"
    )


def test_a_remedy_says_range_and_unit():
    """Guards P34."""
    remedy = refusals(Forecast, KNOWN | {"periods": 10**9})["periods"]
    assert remedy == "Input should be less than or equal to 365 (steps to forecast, 1 to 365)"


def test_a_thousand_mistakes_are_told_twenty_at_a_time():
    assert len(refusals(Recommend, {"user_id": "u", "exclude_items": list(range(900))})) == 20


@pytest.mark.parametrize("body", [KNOWN, OWN, KNOWN | {"periods": 2, "regressors": {"known_promo_share": [0.1, 0.2]}}])
def test_a_forecast_is_asked_for_a_known_series_or_for_its_numbers(body):
    assert read(Forecast, body).confidence_level == 0.95


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "historical_data"),
        (KNOWN | OWN, "historical_data"),
        ({"historical_data": [1.0] * 10}, "start"),
        (KNOWN | {"start": "2026-01-01"}, "start"),
        (OWN | {"start": "yesterday"}, "start"),
        (OWN | {"start": "0001-01-01"}, "start"),
        (OWN | {"freq": "minute"}, "freq"),
        (OWN | {"historical_data": [1.0] * 9}, "historical_data"),
        (OWN | {"historical_data": [1.0] * 10_001}, "historical_data"),
        (OWN | {"historical_data": [1.0] * 9 + [None] * 9}, "historical_data"),
        (OWN | {"regressors": {"promo": [1.0] * 14}}, "regressors"),
        (OWN | {"historical_data": [1.0, "2"] * 5}, "historical_data.1"),
        (OWN | {"historical_data": [1.0, float("nan")] * 5}, "historical_data.1"),
        (OWN | {"historical_data": [1.0, float("inf")] * 5}, "historical_data.1"),
        (OWN | {"historical_data": [1.0, 1e300] * 5}, "historical_data.1"),
        (KNOWN | {"series_id": "x" * 257}, "series_id"),
        (KNOWN | {"periods": 0}, "periods"),
        (KNOWN | {"periods": -1}, "periods"),
        (KNOWN | {"periods": 366}, "periods"),
        (KNOWN | {"confidence_level": 0.49}, "confidence_level"),
        (KNOWN | {"confidence_level": 1.0}, "confidence_level"),
        (KNOWN | {"confidence_level": float("nan")}, "confidence_level"),
        (KNOWN | {"confidence_level": "0.9"}, "confidence_level"),
        (KNOWN | {"regressors": {"promo": [1.0]}}, "regressors"),
        (KNOWN | {"periods": 1, "regressors": {"promo": [float("inf")]}}, "regressors.promo.0"),
        (KNOWN | {"regressors": {f"r{i}": [0.0] * 14 for i in range(21)}}, "regressors"),
        (KNOWN | {"regressors": [1]}, "regressors"),
        (KNOWN | {"horizon": 5}, "horizon"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_forecast_out_of_bounds_names_its_field(body, field):
    """Guards P34."""
    assert field in refusals(Forecast, body)
