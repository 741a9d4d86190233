"""Wilson intervals, and intervals around estimates."""

import json
import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats

from kd_keras.fairness import (
    Interval,
    wilson,
)
from kd_keras.fairness.intervals import around


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (457, 1000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_equals_scipy(k, n, level):
    expected = scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson")
    np.testing.assert_allclose(wilson(k, n, level=level), expected, atol=1e-12)


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
