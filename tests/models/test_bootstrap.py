"""How sure one can be: intervals worked out by hand or compared with theory."""

import numpy as np
import pytest

from models.bootstrap import Interval, RefitNoise, paired_bootstrap, widened


def test_units_that_belong_together_are_resampled_together():
    """Ten leaves photographed ten times say what ten photographs say, not what a hundred do."""
    leaf = np.random.default_rng(0).normal(size=10)
    photographs, zeros = np.repeat(leaf, 10), np.zeros(100)
    together = paired_bootstrap(photographs, zeros, clusters=np.repeat(np.arange(10), 10))
    assert together == pytest.approx(paired_bootstrap(leaf, np.zeros(10)))
    alone = paired_bootstrap(photographs, zeros)
    assert alone.high - alone.low < (together.high - together.low) / 2


def test_clusters_of_unequal_size_count_by_their_units():
    found = paired_bootstrap(np.array([1.0, 1.0, 1.0, 0.0]), np.zeros(4), clusters=np.array([7, 7, 7, 8]))
    assert found == pytest.approx((0.0, 0.75, 1.0))  # both clusters, the small one twice, the large one twice


def test_an_interval_of_few_units_is_as_wide_as_students():
    values = np.random.default_rng(3).normal(size=25)
    found = paired_bootstrap(values, np.zeros(25), n_boot=20_000)
    half = 2.0639 * values.std(ddof=1) / 5
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.05)


def test_the_luck_of_both_fits_adds_to_the_interval_as_squares():
    """Student's quantile of 2 degrees of freedom is 4.303: 3 and 4 make 5."""
    noise = RefitNoise(4 / 4.3027, 3)
    assert widened(Interval(-2.0, 1.0, 4.0), noise, None) == pytest.approx((-4.0, 1.0, 6.0), abs=1e-3)
    assert widened(Interval(-2.0, 1.0, 4.0), RefitNoise(0.0, 3)) == (-2.0, 1.0, 4.0)
