"""A bound stands once: HTTP, a batch, a replay and MLflow refuse the same and take the same."""

import asyncio
import json

import pytest
from pydantic import BaseModel
from starlette.requests import Request

from bentos.services import forecaster, leaf_disease, recommender
from bentos.settings import ServingSettings
from features import checks
from models import requests
from models.disease.imaging import Limits
from models.errors import BadRequest
from models.forecasting.requests import ForecastRequest
from models.recommendation.requests import RecommendationRequest
from web.problems import Problem

ROUTES = [(recommender, RecommendationRequest), (forecaster, ForecastRequest)]
GOOD = {
    RecommendationRequest: {"user_id": "u", "n_recommendations": 100},
    ForecastRequest: {"historical_data": [1.0] * 20, "start": "2026-01-01", "freq": "D"},
}
SERIES = {"series_id": "s"}


def online(question, body):
    """Fields that the route refuses."""

    async def receive():
        return {"type": "http.request", "body": json.dumps(body).encode()}

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    try:
        asyncio.run(question.read(Request(scope, receive)))
    except Problem as problem:
        return [error.field for error in problem.errors]
    return []


def offline(asked, body):
    """The field that whoever answers in advance refuses."""
    try:
        requests.read(asked, body)
    except BadRequest as exc:
        return [exc.field]
    return []


def edges(schema):
    """Values just within a field's bounds, and just outside of them."""
    for one in schema.get("anyOf", [schema]):
        yield from sizes(one)
        yield from ((value, "neither") for value in one.get("enum", ()))
        if one.get("type") == "array":
            yield from lengths(one, list(edges(one["items"])))


def sizes(one):
    """Of numbers and texts."""
    step = 1 if one.get("type") == "integer" else 1e-3
    for bound, way in (("minimum", -1), ("maximum", 1)):
        if bound in one:
            yield one[bound], one[bound] + way * max(step, abs(one[bound]) * 1e-6)
    for bound, way in (("minLength", -1), ("maxLength", 1)):
        if bound in one:
            yield "x" * one[bound], "x" * (one[bound] + way)


def lengths(one, items):
    """Of lists, and of what is in them."""
    item = items[0][0]
    for bound, way in (("minItems", -1), ("maxItems", 1)):
        if bound in one:
            yield [item] * one[bound], [item] * (one[bound] + way)
    yield from (([within] * 20, [within] * 19 + [without]) for within, without in items)


CASES = [
    pytest.param(module.Ask, asked, name, within, without, id=f"{name}-{str(without)[:20]}")
    for module, asked in ROUTES
    for name, schema in asked.model_json_schema()["properties"].items()
    for within, without in edges(schema)
]


def body(asked, name, value):
    good = SERIES if asked is ForecastRequest and name in ("series_id", "periods") else GOOD[asked]
    return {**good, name: value}


@pytest.mark.parametrize(("question", "asked", "name", "within", "without"), CASES)
def test_a_bound_holds_online_and_in_advance_and_at_the_same_value(question, asked, name, within, without):
    """Guards P34."""
    assert online(question, body(asked, name, within)) == offline(asked, body(asked, name, within)) == []
    refused = online(question, body(asked, name, without))
    assert refused[0].split(".")[0] == name
    assert offline(asked, body(asked, name, without)) == refused[:1]


def test_there_are_bounds_to_look_at():
    assert {case.values[2] for case in CASES} >= {
        "user_id", "n_recommendations", "exclude_items", "mode", "max_per_category", "min_new",
        "series_id", "historical_data", "freq", "periods", "confidence_level",
    }  # fmt: skip


@pytest.mark.parametrize(("module", "asked"), ROUTES)
def test_a_route_declares_no_field_of_its_own(module, asked):
    assert module.Ask.__annotations__ == {}
    assert set(module.Ask.model_fields) == set(asked.model_fields)


def test_an_id_is_as_long_as_the_store_takes_and_a_photograph_as_large_as_a_form_may_be():
    assert checks._LONGEST_ID == requests.LONGEST_ID
    assert ServingSettings().max_upload_bytes == Limits().max_bytes


@pytest.mark.parametrize("module", [recommender, forecaster, leaf_disease])
def test_every_number_says_what_it_is_and_in_which_unit(module):
    described = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == module.__name__
    ]
    for model in described:
        for name, field in model.model_fields.items():
            plain = name in ("root_input", "field_root")
            assert plain or field.annotation not in (int, float) or field.description, f"{model.__name__}.{name}"


@pytest.mark.parametrize("name", ["recommender", "demand-forecaster"])
def test_what_is_replayed_and_asked_in_advance_is_what_the_route_takes(fitted, name):
    from models.families import family

    question = {"recommender": recommender, "demand-forecaster": forecaster}[name].Ask
    model, golden = fitted[name]
    asked = [pair["request"] for pair in golden] + list(family(name).batch_requests(model))[:20]
    assert [online(question, request) for request in asked] == [[]] * len(asked)
