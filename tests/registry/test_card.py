import pytest

from models.evaluation import Slice
from registry import card, packing, run_content


def test_the_card_says_what_it_is_how_good_and_from_what(training):
    text = card.markdown(training(), "abc123", {"a.png": "../pictures/a.png"})
    assert text.startswith("# doubler-")
    assert "**Gate: passed**\n\n- better than naive, the strongest of 1 naive baseline: score@10 0.6 against" in text
    assert "| times | 0.6 |  |" in text
    assert "| naive | 0.2 | +0.4 [+0.4, +0.4] |" in text
    assert "| rows | 1234 |" in text
    assert "SELECT number FROM numbers" in text
    assert "held (1 rules, 1234 rows checked)" in text
    assert "![a.png](../pictures/a.png)" in text
    assert "`0123456789abcdef0123456789abcdef01234567`" in text
    assert "`abc123`" in text


def test_a_card_cannot_be_broken_by_what_the_data_say(training):
    page = card.html(card.markdown(training(about="<script>alert(1)</script>"), "d", {}))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    rows = card._table(["a"], [["x | y\nz"]])
    assert rows[-1] == "| x \\| y z |"


def test_slices_stand_in_a_table_with_the_baselines(training, evaluation):
    slices = (Slice("light-user", 12, 0.3, {"naive": 0.4, "crowd": 0.1}), Slice("label: rust", 5, 0.9, {"naive": 0.2}))
    notes = {"confusion": {"labels": ["a"], "counts": [[1]]}, "series": {"scored": 6, "too_short": 1}}
    text = card.markdown(training(evaluation=evaluation([0.5, 0.6], slices=slices, notes=notes)), "d", {})
    assert "| slice | n | score@10 | naive | crowd |" in text
    assert "| light-user | 12 | 0.3 | 0.4 | 0.1 |" in text
    assert "| label: rust | 5 | 0.9 | 0.2 |  |" in text
    assert "- series: scored 6, too_short 1" in text
    assert "confusion" not in text


def test_the_html_card_carries_its_pictures_in_itself(training, tmp_path):
    from matplotlib.figure import Figure

    folder = packing.pack_run(training(pictures={"curve": Figure(figsize=(1, 1))}), "d", tmp_path)
    assert (folder / "pictures" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert '<img src="data:image/png;base64,' in (folder / "card" / "model-card.html").read_text()
    assert "<table>" in (folder / "card" / "model-card.html").read_text()


def test_a_long_card_is_shortened_where_mlflow_has_a_limit_and_says_where_the_rest_is(training):
    note, description = run_content.notes(training(about="word " * 3000), "run")
    assert len(note) <= 8000
    assert len(description) <= 5000
    assert "card/model-card.html" in description


@pytest.mark.parametrize("name", ["coverage@95", "price/mae", "weiß|x", "a" * 300])
def test_every_name_becomes_a_key_that_mlflow_takes(name):
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(run_content.key_of(name))


def test_documents_hold_no_nan_and_keep_numpy_figures():
    import json

    import numpy as np

    text = packing.document({"a": float("nan"), "b": np.float64(1.5), "c": [np.int64(2), float("inf")]})
    assert json.loads(text) == {"a": None, "b": 1.5, "c": [2, None]}
