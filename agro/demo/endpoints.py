"""Each endpoint, asked by distinct users where the demo knows them."""

import json
from datetime import datetime, timedelta
from typing import Any

from agro import console
from agro.demo import calls
from agro.demo.source import Source
from models.families import registered


def call_all(models: dict[str, dict[str, Any]], chosen: Source) -> None:
    """Ask each endpoint 200 times and write endpoint, first answer and latency into its model's row."""
    known = {"recommender": _recommendations, "demand-forecaster": _forecasts, "leaf-disease": _photographs}
    for name, row in models.items():
        asked = known[name](chosen) if name in known else _golden(name, row["champion"])
        url = row["service"] + registered(name).route
        row.update(calls.call(url, asked))
        latency = row["latency_ms"]
        console.say(f"  {url}: p50 {latency['p50']} ms, p95 {latency['p95']} ms over {row['requests']} requests")


def _json(requests: list[dict[str, Any]]) -> list[tuple[bytes, str]]:
    return [(json.dumps(request).encode(), "application/json") for request in requests]


def _golden(model: str, version: int) -> list[tuple[bytes, str]]:
    """The golden requests of a version, over and over."""
    from flows.ports import connect_registry

    asked = [row["request"] for row in connect_registry().golden(model, version)]
    return _json([asked[i % len(asked)] for i in range(calls.TIMED_REQUESTS)])


def _recommendations(chosen: Source) -> list[tuple[bytes, str]]:
    from flows.ports import connect_store

    store, _ = connect_store()
    sql = "SELECT DISTINCT user_id FROM product_events ORDER BY cityHash64(user_id) LIMIT {n:UInt32}"
    users = store.arrow(sql, {"n": calls.TIMED_REQUESTS})["user_id"].to_pylist()
    return _json([{"user_id": user} for user in users])


def _forecasts(chosen: Source) -> list[tuple[bytes, str]]:
    """A week ahead for each series in turn, with the promotions and prices that were really planned for it."""
    from flows.ports import connect_store

    store, _ = connect_store()
    return _json(week_requests(store, chosen.as_of, calls.TIMED_REQUESTS))


def week_requests(store: Any, start: datetime, count: int) -> list[dict[str, Any]]:
    """Requests for the seven days from `start`, one series after another until there are `count`."""
    from features.kinds import find

    rows = find("demand").open().snapshot(store, start + timedelta(days=7)).frame()
    rows = rows[rows["ds"] >= rows["ds"].max() - timedelta(days=6)]
    known = [name for name in rows.columns if name.startswith("known_")]
    requests = []
    for series, week in rows.sort_values("ds").groupby("series_id", observed=True):
        planned = week[known].ffill().bfill().fillna(0.0)
        requests.append(
            {"series_id": series, "periods": len(week), "regressors": {k: planned[k].tolist() for k in known}}
        )
    return [requests[i % len(requests)] for i in range(count)]


def _photographs(chosen: Source) -> list[tuple[bytes, str]]:
    folder = chosen.history["leaves"]
    found = sorted(path for kind in ("*.jpg", "*.png") for path in folder.glob(f"*/{kind}"))
    step = max(1, len(found) // calls.TIMED_REQUESTS)
    return [calls.multipart(path) for path in found[::step][: calls.TIMED_REQUESTS]]
