"""Wilson intervals, and intervals around estimates."""

import json
import math
import warnings

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats

from kd_keras.fairness import (
    Interval,
    wilson,
)
from kd_keras.fairness.intervals import around, within


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (457, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_equals_scipy(k, n, level):
    expected = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson")
    np.testing.assert_allclose(wilson(k, n, level=level), expected, atol=1e-12)


def test_ends_at_none_and_all_are_exact():
    trials = np.arange(1, 300)
    assert set(wilson(0 * trials, trials, level=0.99)[0]) == {0.0}
    assert set(wilson(trials, trials, level=0.99)[1]) == {1.0}


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.5, math.nan])
def test_a_level_that_is_none(level):
    with pytest.raises(ValueError, match="`level` must lie between 0 and 1"):
        wilson(3, 10, level=level)


@pytest.mark.parametrize(
    ("replicates", "low", "high"),
    [
        # Quartiles .3 and .5, mean .4; then 1 and 1 with mean .8, and 0 and 0 with .2.
        ([0.2, 0.4, 0.6, math.nan], 0.0, 0.2),
        ([1, 1, 1, 1, 0], 0.1, 0.3),
        ([0, 0, 0, 0, 1], -0.1, 0.1),
    ],
)
def test_moved_percentiles_lie_around_the_estimate(replicates, low, high):
    found = around(0.1, np.array(replicates), 0.5)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.undefined_replicates == np.isnan(replicates).sum()


def test_an_interval_ends_where_its_quantity_does():
    found = within(Interval(0.25, -0.5, 0.75, 0.9, 3), -0.25, 0.5)
    assert found == Interval(0.25, -0.25, 0.5, 0.9, 3)


def test_what_is_undefined_is_null_in_json():
    nan = math.nan
    interval = Interval(0.25, nan, nan, 0.95, reason="one group")
    text = json.dumps(interval.to_dict(), allow_nan=False)
    assert json.loads(text) == {
        "value": 0.25, "low": None, "high": None, "reason": "one group"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "replicates", "undefined"),
    [(math.nan, [0.1, 0.2], 0), (0.1, [math.nan, math.inf, math.nan], 3)],
    ids=["value", "replicates"],
)
def test_no_interval_is_around_what_is_undefined(value, replicates, undefined):
    found = around(value, np.array(replicates), 0.9)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.undefined_replicates == undefined


def test_an_interval_without_a_bootstrap_left_nothing_out():
    interval = Interval(0.25, 0.125, 0.5, 0.9)
    assert (interval.undefined_replicates, interval.reason) == (0, "")
    assert interval.to_dict() == {"value": 0.25, "low": 0.125, "high": 0.5}
    assert str(interval) == "0.25 [0.125, 0.5]"
    assert str(Interval(0.25, math.nan, 0.5, 0.9)) == "0.25 [undefined, 0.5]"


def test_without_trials_there_are_no_ends():
    with warnings.catch_warnings(action="error"):
        low, high = wilson([0, 1, 1], [0, 0, 1])
    np.testing.assert_array_equal(np.isnan([low, high]), [[True, True, False]] * 2)
    # One of one, by Wilson: 1 / (1 + z^2).
    assert low[2] == pytest.approx(1 / (1 + 1.9599640**2))
    assert high[2] == 1


@pytest.mark.parametrize("beyond", [2.0**-53, 1e-17])
def test_ends_stay_within_0_and_1(beyond):
    # Effective counts may be less than all, or more than none, by rounding alone.
    trials = np.arange(1.0, 2000)
    low, high = wilson([trials * beyond, trials * (1 - beyond)], [trials, trials])
    assert low.min() >= 0
    assert high.max() <= 1
