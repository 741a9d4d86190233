"""The interval over seeds, by a printed table and SciPy."""

import numpy as np
import pytest
import scipy.stats

from pipelines.analysis.seed_interval import seed_interval, why_no_interval


def test_intervals_are_students():
    mean, low, high = seed_interval([0.1, 0.2, 0.6])
    # Sample sd .264575; printed t of two degrees of freedom: 4.302653.
    width = 4.302653 * 0.2645751 / np.sqrt(3)
    assert (mean, low, high) == pytest.approx((0.3, 0.3 - width, 0.3 + width), abs=1e-6)
    mean, low, high = seed_interval([0.4])
    assert mean == 0.4
    assert np.isnan([low, high]).all()
    two = scipy.stats.t.interval(0.95, 1, loc=0.2, scale=0.1)
    assert seed_interval([0.1, 0.3])[1:] == pytest.approx(two)


def test_equal_seeds_show_no_spread():
    mean, low, high = seed_interval([0.01, 0.01])
    assert mean == 0.01
    assert np.isnan([low, high]).all()
    assert why_no_interval(1) == "one seed"
    assert why_no_interval(2) == "2 seeds that are all equal"


def test_the_level_is_that_which_is_asked_for():
    for level in (0.5, 0.99):
        ends = scipy.stats.t.interval(level, 2, loc=0.3, scale=0.2645751 / np.sqrt(3))
        assert seed_interval([0.1, 0.2, 0.6], level)[1:] == pytest.approx(ends)
