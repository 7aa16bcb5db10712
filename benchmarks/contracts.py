"""A contract over every row of a large training set, beside Great Expectations as it comes and pandas by hand.

`python -m benchmarks.contracts`: one and a half million interactions with one bad row, which all three have to find;
`--quick` a tenth of it.
"""

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import _report
from features import contracts
from features.interactions import EVENT_TYPES
from features.kinds import find
from features.rules import Limits

NOW = datetime(2026, 11, 20, tzinfo=UTC)
BAD = 123_456


def interactions(rows: int) -> pd.DataFrame:
    """Purchases of many users, sound but for one negative price; the same for the same size."""
    rng = np.random.default_rng(0)
    start = np.datetime64("2026-01-01T00:00:00", "ms")
    frame = pd.DataFrame(
        {
            "user_id": rng.integers(0, 50_000, rows).astype(str),
            "item_id": rng.integers(0, 20_000, rows).astype(str),
            "timestamp": pd.to_datetime(start + rng.integers(0, 300 * 86_400_000, rows), utc=True),
            "event_type": rng.choice(EVENT_TYPES, rows),
            "quantity": rng.integers(1, 9, rows).astype(float),
            "price": rng.gamma(2.0, 2.0, rows),
        }
    )
    frame.loc[BAD, "price"] = -1.0
    return frame


def ours(frame: pd.DataFrame) -> int:
    """The contract of the training flows."""
    (failure,) = contracts.check("interactions", frame, now=NOW).failures
    return int(failure.sample_rows[0]["row"])


def great_expectations(frame: pd.DataFrame) -> int:
    """The same rules handed to the library as its tutorials do: every unexpected row in the answer."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    wanted = find("interactions").open().contract(Limits(), NOW)
    assert wanted is not None
    made = [getattr(gx.expectations, rule.expectation)(**rule.arguments) for rule in wanted.rules]
    found = batch.validate(gx.ExpectationSuite(name="all", expectations=made), result_format="COMPLETE")
    (failure,) = [result for result in found.results if not result.success]
    return int(failure.result["unexpected_index_list"][0])


def by_hand(frame: pd.DataFrame) -> int:
    """The same rules as masks of pandas."""
    limits = Limits()
    sound = frame[["user_id", "item_id", "timestamp", "quantity"]].notna().all(axis=1)
    sound &= frame["timestamp"].between(pd.Timestamp(limits.earliest), pd.Timestamp(NOW))
    sound &= frame["event_type"].isin(EVENT_TYPES)
    sound &= frame["quantity"].between(0, limits.max_quantity)
    sound &= frame["price"].isna() | frame["price"].between(0, limits.max_price)
    enough = frame["user_id"].nunique() >= limits.min_users and frame["item_id"].nunique() >= limits.min_items
    assert enough and len(frame) >= limits.min_rows
    return int(np.flatnonzero(~sound)[0])


def claims(rows: int) -> list[dict[str, Any]]:
    """Each way's best of three rounds, once all of them have found the bad row."""
    frame = interactions(rows)
    ways = {"ours": ours, "great_expectations": great_expectations, "pandas by hand": by_hand}
    assert {way(frame) for way in ways.values()} == {BAD}
    took = {name: _report.seconds(lambda way=way: way(frame)) for name, way in ways.items()}
    return [_report.faster(f"contract over {rows:,} rows", took.pop("ours"), took, "great_expectations")]


def main() -> None:
    """Run what the command line asks for."""
    asked = _report.arguments("The contract beside named peers.").parse_args()
    _report.bound_threads()
    started = time.perf_counter()
    _report.report(claims(150_000 if asked.quick else 1_500_000), asked.json, time.perf_counter() - started)


if __name__ == "__main__":
    main()
