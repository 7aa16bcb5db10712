"""Ids from content: a row's own words make its id, and two equal rows of a file are two events."""

import numpy as np
import pyarrow as pa
import pytest

from features.event_ids import content_ids, event_ids, former_event_ids, said_ids
from tests.fixtures.rows import MS

MOMENT = 1_760_000_000_000
GOLDEN = ["0199c82cc000b90ee34eaa409e06688d", "0199c82cc000383f83118bfaf9dbfb81"]
FORMER = ["3ba3f0fe8fd232abbe5f0bedd04505fe", "1d6270c415b22b46d1a45d81e02b4503"]


def ids(kind="k", usual=None, moments=None, **columns):
    arrays = {name: pa.array(values) for name, values in columns.items()}
    moments = moments or [MOMENT] * len(next(iter(arrays.values())))
    return event_ids({"event_time": pa.array(moments, MS), **arrays}, kind, usual).to_pylist()


def test_an_id_never_changes():
    """A stored id is for ever: these were made when the rules were written."""
    assert ids("product_events", user_id=["ada", None], quantity=[1.5, None]) == GOLDEN
    columns = [pa.chunked_array([["ada", None]]), pa.chunked_array([pa.array([1.5, None])])]
    assert content_ids(columns, "product_events").to_pylist() == FORMER
    assert former_event_ids(columns, "product_events").to_pylist() == FORMER


def test_an_id_begins_with_the_time_of_its_event():
    early, late = ids(a=["x", "x"], moments=[MOMENT, MOMENT + 1])
    assert (int(early[:12], 16), int(late[:12], 16)) == (MOMENT, MOMENT + 1)
    assert early[12:] != late[12:] and len(early) == 32


@pytest.mark.parametrize("nothing", [pa.nulls(2, pa.string()), pa.array(["", ""]), pa.nulls(2, pa.float64())])
def test_a_column_that_says_nothing_changes_no_id_whether_it_is_there_or_comes_later(nothing):
    assert ids(a=["x", "y"], n=[1.0, 2.0], later=nothing) == ids(a=["x", "y"], n=[1.0, 2.0])
    assert said_ids({"a": pa.array(["x", "y"]), "later": nothing}, "k") == said_ids({"a": pa.array(["x", "y"])}, "k")


def test_what_a_column_usually_says_is_as_good_as_silence():
    usual = {"event_type": "purchase", "quantity": 1.0}
    said = ids(usual=usual, a=["x", "x", "x"], event_type=["purchase", None, "view"], quantity=[1.0, None, 2.0])
    assert said[0] == ids(usual=usual, a=["x"])[0]
    assert said[1] == ids(usual=usual, a=["x", "x"])[1]
    assert said[2] not in ids(usual=usual, a=["x", "x"])


def test_the_order_of_columns_and_the_order_and_the_cut_of_rows_do_not_matter():
    users, counts = ["a", "b", "c"], [1.0, 2.0, 3.0]
    assert ids(a=users, b=counts) == ids(b=counts, a=users) == ids(a=users[::-1], b=counts[::-1])[::-1]
    cut = {"event_time": pa.array([MOMENT] * 3, MS), "a": pa.chunked_array([["a"], ["b", "c"]])}
    assert event_ids(cut, "k").to_pylist() == ids(a=users)


def test_equal_rows_of_one_file_are_counted_and_the_first_keeps_its_id():
    same = ids(a=["a", "b", "a", "a"])
    assert len(set(same)) == 4
    assert same[:2] == ids(a=["a", "b"])
    assert same == ids(a=["a", "b", "a", "a"])


def test_a_value_in_another_column_is_another_row():
    assert ids(a=["x"], b=["y"]) != ids(a=["y"], b=["x"])
    assert ids(a=["xy"], b=["z"]) != ids(a=["x"], b=["yz"])
    assert ids(a=["x"]) != ids(b=["x"])
    assert ids(a=["x"], kind="one") != ids(a=["x"], kind="other")


def test_minus_zero_is_zero():
    assert ids(n=[-0.0]) == ids(n=[0.0])


def test_many_rows_have_as_many_ids():
    numbers = np.arange(300_000)
    made = ids(a=numbers % 1000, b=numbers // 1000)
    assert len(set(made)) == 300_000
