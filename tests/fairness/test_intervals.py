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
