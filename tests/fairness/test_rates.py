"""Rates by group: weights, and how sure they are."""

import numpy as np
import pytest

from kd_keras.fairness import (
    GroupCounts,
    wilson,
)


def test_wilson_of_rates_uses_effective_counts():
    counts = GroupCounts.from_predictions(
        [1, 1, 1, 1],
        [1, 0, 1, 1],
        groups={"g": list("aaab")},
        sample_weight=[2, 1, 1, 5],
    )
    rates = counts.accuracy()
    # (2 + 1 + 1)^2 / (4 + 1 + 1) = 8 / 3 examples with a rate of 3 / 4.
    assert rates.effective_examples == {"a": pytest.approx(8 / 3), "b": 1}
    interval = rates.intervals()["a"]
    low, high = wilson(2, 8 / 3)
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))
    assert np.isnan(wilson(0, 0)).all()
