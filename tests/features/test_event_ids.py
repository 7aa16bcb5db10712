"""Ids from content: the same row has the same id, and two equal rows of a file are two."""

import numpy as np
import pyarrow as pa

from features.event_ids import content_ids, event_ids

GOLDEN = ["3ba3f0fe8fd232abbe5f0bedd04505fe", "1d6270c415b22b46d1a45d81e02b4503"]


def chunked(*columns):
    return [pa.chunked_array([pa.array(column)]) for column in columns]


def ids(*columns, kind="k"):
    return event_ids(chunked(*columns), kind).to_pylist()


def test_an_id_never_changes():
    """A stored id is for ever: this one was made when the function was written."""
    columns = [pa.chunked_array([["ada", None]]), pa.chunked_array([pa.array([1.5, None])])]
    assert content_ids(columns, "product_events").to_pylist() == GOLDEN


def test_the_order_and_the_cut_of_rows_do_not_matter():
    users, counts = ["a", "b", "c"], [1.0, 2.0, 3.0]
    assert ids(users[::-1], counts[::-1]) == ids(users, counts)[::-1]
    cut = [pa.chunked_array([["a"], ["b", "c"]]), pa.chunked_array([[1.0, 2.0], [3.0]])]
    assert event_ids(cut, "k").to_pylist() == ids(users, counts)


def test_equal_rows_of_one_file_are_counted_and_the_first_keeps_its_id():
    same = ids(["a", "b", "a", "a"])
    assert len(set(same)) == 4
    assert same[:2] == ids(["a", "b"])
    assert same == ids(["a", "b", "a", "a"])


def test_a_value_in_another_column_is_another_row():
    assert ids(["a"], ["b"]) != ids(["b"], ["a"])
    assert ids(["ab"], ["c"]) != ids(["a"], ["bc"])
    assert ids([""]) != event_ids([pa.chunked_array([pa.array([None], pa.string())])], "k").to_pylist()
    assert ids(["a"], kind="x") != ids(["a"], kind="y")


def test_minus_zero_is_zero():
    assert ids([-0.0]) == ids([0.0])


def test_many_rows_have_as_many_ids():
    n = 300_000
    numbers = np.arange(n)
    made = event_ids(chunked(numbers % 1000, numbers // 1000), "k")
    assert pa.chunked_array([made]).unique().to_pylist() == made.to_pylist()
    assert {len(each) for each in made.to_pylist()[:10]} == {32}
