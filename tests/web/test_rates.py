import pytest
from starlette.testclient import TestClient

from tests.web.test_middleware import ROUTE, dressed
from web.rates import Rates


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_bucket_refills_steadily_and_holds_no_more_than_a_burst(clock):
    rates = Rates(per_minute=30, burst=3, now=clock)
    assert [rates.wait_s("ann") for _ in range(4)] == [0, 0, 0, 2]
    clock.now = 2
    assert [rates.wait_s("ann") for _ in range(2)] == [0, 2]
    clock.now = 1000
    assert [rates.wait_s("ann") for _ in range(4)] == [0, 0, 0, 2]


def test_a_refused_request_costs_nothing(clock):
    rates = Rates(per_minute=60, burst=1, now=clock)
    rates.wait_s("ann")
    assert {rates.wait_s("ann") for _ in range(100)} == {1}


def test_memory_is_bounded_and_the_ones_who_ask_are_remembered(clock):
    rates = Rates(per_minute=1, burst=1, most=100, now=clock)
    rates.wait_s("ann")
    for number in range(1000):
        rates.wait_s(f"stranger {number}")
        assert rates.wait_s("ann") > 0
    assert len(rates) == 100


def test_one_caller_gets_429_with_retry_after_and_another_is_answered():
    app = dressed(requests_per_minute=6, requests_at_once=2, caller_header="X-Envoy-External-Address")
    client = TestClient(app, "http://127.0.0.1")
    ann, bob = ({"X-Envoy-External-Address": address} for address in ("10.0.0.1", "10.0.0.2"))
    assert [client.post(ROUTE, headers=ann).status_code for _ in range(3)] == [200, 200, 429]
    refused = client.post(ROUTE, headers=ann)
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert refused.headers["content-type"] == "application/problem+json"
    assert client.post(ROUTE, headers=bob).status_code == 200
    assert client.get("/healthz", headers=ann).status_code == 200


def test_without_the_setting_nobody_is_counted():
    app = dressed()
    client = TestClient(app, "http://127.0.0.1")
    assert {client.post(ROUTE).status_code for _ in range(200)} == {200}
    assert app.identities.rates is None


def test_a_forged_header_moves_nobody_where_no_proxy_is_named():
    client = TestClient(dressed(requests_per_minute=6, requests_at_once=1), "http://127.0.0.1")
    codes = [client.post(ROUTE, headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(3)]
    assert codes == [200, 429, 429]
