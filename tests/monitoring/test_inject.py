import numpy as np
import pandas as pd
import pytest

from monitoring import inject
from monitoring.errors import BadShift, UnknownColumn

FRAME = pd.DataFrame(
    {"price": [1.0, 3.0, np.nan], "quantity": [0, 2, 4], "shop": ["a", "a", "b"], "note": [-1.0, 0.0, 1.0]}
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price", "shift: write COLUMN:SIGMA, for example price:1; got 'price'"),
        (":1", "shift: write COLUMN:SIGMA"),
        ("price:much", "shift sigma: write a number of standard deviations, for example 1; got 'much'"),
        ("price:nan", "shift sigma: choose a number other than 0"),
        ("price:0", "shift sigma: choose a number other than 0"),
        ("price:1e9", "shift sigma: .* between -100 and 100"),
        ("prize:1", "shift column: choose one of price, shop; got 'prize'"),
    ],
)
def test_a_shift_that_cannot_be_read_says_what_to_write(text, message):
    with pytest.raises(BadShift, match=message):
        inject.parse(text, ["price", "shop"])


def test_a_column_name_may_hold_a_colon():
    assert inject.parse("a:b:-2") == inject.Shift("a:b", -2.0)


def test_numbers_move_by_sigmas_of_the_reference_and_gaps_stay_gaps():
    moved = inject.apply(FRAME, FRAME, inject.Shift("price", 2.0))  # the standard deviation of 1 and 3 is 1
    assert moved["price"].tolist()[:2] == [3.0, 5.0] and np.isnan(moved["price"][2])
    assert FRAME["price"][0] == 1.0


def test_whole_numbers_stay_whole_and_not_negative():
    moved = inject.apply(FRAME, FRAME, inject.Shift("quantity", -1.0))  # 1.63 rounds to 2
    assert moved["quantity"].tolist() == [0, 0, 2] and moved["quantity"].dtype == FRAME["quantity"].dtype


def test_what_was_negative_before_may_stay_so():
    assert inject.apply(FRAME, FRAME, inject.Shift("note", -1.0))["note"].min() < -1


def test_a_share_of_the_categories_moves_to_the_rarest():
    many = pd.DataFrame({"shop": ["a"] * 9_000 + ["b"] * 1_000})
    moved = inject.apply(many, many, inject.Shift("shop", 1.0))
    assert (moved["shop"] != many["shop"]).mean() == pytest.approx(0.38 * 0.9, abs=0.02)
    assert set(moved["shop"]) == {"a", "b"}


def test_other_columns_are_left_alone():
    moved = inject.apply(FRAME, FRAME, inject.Shift("price", 1.0))
    pd.testing.assert_frame_equal(moved.drop(columns="price"), FRAME.drop(columns="price"))


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(UnknownColumn, match="no column 'prize' to shift; they have price, quantity, shop, note"):
        inject.apply(FRAME, FRAME, inject.Shift("prize", 1.0))
