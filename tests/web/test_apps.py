"""What FastAPI would say in a form of its own, said in ours."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from web.apps import JsonBody, service
from web.problems import FieldError, invalid
from web.settings import HttpSettings


class Crate(BaseModel):
    kg: float = Field(description="weight in kg")


class Order(BaseModel):
    crates: list[Crate] = Field(description="what is ordered")


async def ready():
    return {"ready": True}


@pytest.fixture
def app() -> FastAPI:
    app = service("orders", HttpSettings(max_body_bytes=200), ready)

    @app.get("/orders/{number}")
    def one(number: int, limit: Annotated[int, Query(ge=1, le=50)] = 10) -> dict:
        if number == 404:
            raise HTTPException(404, "order 404 was withdrawn")
        if number == 401:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        if number == 409:
            raise invalid(FieldError("number", "choose another one"), status=409)
        return {"number": number, "limit": limit}

    @app.post("/orders")
    def order(asked: Annotated[Order, Depends(JsonBody(Order))]) -> dict:
        return {"kg": sum(crate.kg for crate in asked.crates)}

    @app.post("/plain")
    def plain(asked: Order) -> dict:
        return {"crates": len(asked.crates)}

    return app


@pytest.fixture
def client(app):
    return TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)


def refusal(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, [tuple(error.values()) for error in answer.json()["errors"]]


def test_a_query_or_path_out_of_bounds_names_its_field(client):
    assert refusal(client.get("/orders/x"))[1][0][0] == "number"
    status, ((field, remedy),) = refusal(client.get("/orders/1?limit=51"))
    assert (status, field) == (422, "limit") and "less than or equal to 50" in remedy


def test_a_nested_field_is_named_whole(client):
    status, ((field, remedy),) = refusal(client.post("/orders", json={"crates": [{"kg": 1}, {}]}))
    assert (status, field, remedy) == (422, "crates.1.kg", "give this field (what is ordered)")


def test_an_error_of_a_handler_keeps_its_words_and_headers(client):
    assert client.get("/orders/404").json()["detail"] == "order 404 was withdrawn"
    assert refusal(client.get("/orders/401"))[0] == 401
    assert client.get("/orders/401").headers["www-authenticate"] == "Bearer"
    assert refusal(client.get("/orders/409")) == (409, [("number", "choose another one")])


def test_a_body_that_fastapi_reads_itself_is_bounded_too(client):
    assert refusal(client.post("/plain", json={"crates": [{"kg": 1}] * 100}))[0] == 413
    assert refusal(client.post("/plain", json={}))[1][0][0] == "crates"
    assert refusal(client.post("/plain", content=b"{", headers={"Content-Type": "application/json"}))[0] == 422


def test_the_description_has_nested_bodies_and_no_error_of_fastapis_own(client):
    spec = client.get("/docs.json").json()
    body = spec["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["crates"]["items"] == {"$ref": "#/components/schemas/Crate"}
    assert spec["components"]["schemas"]["Crate"]["properties"]["kg"]["description"] == "weight in kg"
    assert "HTTPValidationError" not in spec["components"]["schemas"]
    assert set(spec["paths"]["/orders/{number}"]["get"]["responses"]) == {"200", "422", "500", "503"}


def test_no_page_of_fastapis_own_calls_out(client):
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3
