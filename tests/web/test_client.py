import contextvars

import httpx

from web import client, request_ids

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def sent(**headers):
    """What our client says besides, while a request that came with such headers is answered."""
    request_ids.begin({name.replace("_", "-"): value for name, value in headers.items()})
    asked = client.client().build_request("GET", "http://127.0.0.1/")
    client._carry(asked)
    return asked.headers


def test_what_is_asked_for_a_request_carries_its_id_and_its_trace():
    headers = contextvars.copy_context().run(sent, x_request_id="order-7", traceparent=TRACE)
    assert (headers["x-request-id"], headers["traceparent"]) == ("order-7", TRACE)


def test_outside_of_a_request_nothing_is_carried():
    assert contextvars.Context().run(request_ids.outgoing) == {}
    assert client.client().event_hooks["request"] == [client._carry]
    assert "traceparent" not in httpx.Request("GET", "http://127.0.0.1/").headers
