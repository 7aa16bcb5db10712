"""The leaf protocol's measures, worked out by hand and against a peer."""

import numpy as np
import pytest

from models.disease.scoring import Answers, accuracy_at_coverage, confusion, macro_f1, measures

KNOWN = frozenset({"bean__rust", "bean__healthy", "corn__rust"})


def answers(truth, said, confidence=None, paths=None):
    n = len(truth)
    return Answers(
        np.array(truth),
        np.array(said),
        np.full(n, 0.5) if confidence is None else np.array(confidence),
        np.array([f"{at:03d}" for at in range(n)] if paths is None else paths),
        KNOWN,
    )


def test_a_known_label_must_be_named_an_unknown_one_is_judged_by_condition():
    given = answers(
        ["bean__rust", "bean__rust", "wheat__rust", "wheat__rust"],
        ["bean__rust", "corn__rust", "corn__rust", "bean__healthy"],
    )
    assert given.correct.tolist() == [True, False, True, False]
    assert measures(given)["accuracy"] == 0.5
    assert measures(given)["condition_accuracy"] == 0.75


def test_ninety_percent_coverage_keeps_the_most_confident_rounded_down():
    given = answers(["bean__rust"] * 11, ["bean__rust"] * 9 + ["corn__rust"] * 2, np.linspace(1, 0.5, 11))
    assert accuracy_at_coverage(given, 9, 10) == 1.0, "floor(9.9) are kept"


def test_ties_in_confidence_fall_by_path():
    said = ["corn__rust"] + ["bean__rust"] * 9
    last = answers(["bean__rust"] * 10, said, paths=["z", *"abcdefghi"])
    first = answers(["bean__rust"] * 10, said, paths=["a", *"bcdefghij"])
    assert accuracy_at_coverage(last, 9, 10) == 1.0
    assert accuracy_at_coverage(first, 9, 10) == pytest.approx(8 / 9)


def test_a_single_image_has_no_ninety_percent():
    assert np.isnan(measures(answers(["bean__rust"], ["bean__rust"]))["accuracy_at_90_coverage"])


def test_macro_f1_is_that_of_scikit_learn():
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    truth, said = rng.choice(list("abcd"), 200), rng.choice(list("abce"), 200)
    assert macro_f1(truth, said) == pytest.approx(f1_score(truth, said, average="macro", zero_division=0))


def test_the_confusion_matrix_has_truth_in_rows():
    labels, counts = confusion(np.array(["a", "a", "b"]), np.array(["a", "b", "b"]))
    assert labels == ["a", "b"] and counts.tolist() == [[1, 1], [0, 1]]
