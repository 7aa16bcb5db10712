"""Probabilities that mean what they say, by hand."""

import numpy as np
import pytest

from models.disease.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability,
    softmax,
    unsure_below,
)
from models.disease.novelty import fit_novelty


def test_a_network_that_is_twice_too_sure_gets_temperature_two():
    """Guards P29."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (20_000, 4))
    truth = np.array([rng.choice(4, p=p) for p in softmax(honest)])
    assert fit_temperature(2 * honest, truth) == pytest.approx(2.0, rel=0.05)
    assert fit_temperature(honest, truth) == pytest.approx(1.0, rel=0.05)


def test_temperature_lowers_the_calibration_error_and_changes_no_answer():
    """Guards P29."""
    rng = np.random.default_rng(1)
    honest = rng.normal(0, 1.5, (5_000, 4))
    truth = np.array([rng.choice(4, p=p) for p in softmax(honest)])
    sure = 3 * honest
    raw, calm = softmax(sure), softmax(sure, fit_temperature(sure, truth))
    correct = raw.argmax(1) == truth
    assert (raw.argmax(1) == calm.argmax(1)).all()
    assert expected_calibration_error(calm.max(1), correct) < 0.03 < expected_calibration_error(raw.max(1), correct)


def test_without_images_the_temperature_is_one():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1.0


def test_calibration_error_is_the_weighted_gap_of_its_bins():
    confidence, correct = np.array([0.95, 0.95, 0.95, 0.5]), np.array([1, 1, 0, 1])
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.75 * (0.95 - 2 / 3) + 0.25 * 0.5)
    assert [entry["n"] for entry in reliability(confidence, correct)] == [1, 3]
    assert reliability(np.array([1.0, 0.0]), np.array([1, 0]))[-1]["high"] == 1.0


def test_unsure_begins_where_the_answers_become_wrong():
    confidence = np.linspace(1.0, 0.5, 100)
    correct = np.arange(100) < 94
    assert unsure_below(confidence, correct) == pytest.approx(confidence[97]), "94 of 98 are 95.9 %, 94 of 99 are 94.9"


def test_unsure_never_turns_away_more_than_promised():
    confidence = np.linspace(1.0, 0.5, 100)
    assert unsure_below(confidence, np.zeros(100, bool), most_rejected=0.1) == pytest.approx(confidence[89])
    assert unsure_below(confidence, np.ones(100, bool)) == 0.0
    assert unsure_below(np.zeros(0), np.zeros(0)) == 0.0


def test_distance_is_in_units_of_the_classes_own_spread():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 2000)
    points = np.array([[0.0, 0.0], [10.0, 0.0]])[truth] + rng.normal(0, [1.0, 1.0], (4000, 2))
    novelty = fit_novelty(points, truth, 2, points)
    assert novelty.distance(np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 0.0], [0.0, 9.0]])) == pytest.approx(
        [0, 0, 5, 9], abs=0.25
    )
    assert np.mean(novelty.distance(points) <= novelty.limit) == pytest.approx(0.99, abs=0.002)
