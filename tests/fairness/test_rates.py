"""Rates by group: weights, and how sure they are."""

import warnings

import numpy as np
import pytest
import scipy.stats

from kd_keras.fairness import (
    GroupCounts,
    wilson,
)
from kd_keras.fairness.rates import divide


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


def rates_by_hand():
    # a: TPR 1/2, FPR 1/3; b: no positives, FPR 1/2; and one positive without a group.
    return GroupCounts.from_predictions(
        [1, 1, 0, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 1, 0, 1],
        groups={"g": [*"aaaaabb", None]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "overall", "a", "b", "examples"),
    [
        ("accuracy", 5 / 8, 3 / 5, 1 / 2, (5, 2)),
        ("selection_rate", 4 / 8, 2 / 5, 1 / 2, (5, 2)),
        ("true_positive_rate", 2 / 3, 1 / 2, np.nan, (2, 0)),
        ("false_negative_rate", 1 / 3, 1 / 2, np.nan, (2, 0)),
        ("false_positive_rate", 2 / 5, 1 / 3, 1 / 2, (3, 2)),
        ("true_negative_rate", 3 / 5, 2 / 3, 1 / 2, (3, 2)),
        ("precision", 2 / 4, 1 / 2, 0, (2, 1)),
        ("base_rate", 3 / 8, 2 / 5, 0, (5, 2)),
    ],
)
def test_rates_of_groups_by_hand(name, overall, a, b, examples):
    with warnings.catch_warnings(action="error"):
        found = getattr(rates_by_hand(), name)()
    assert found.name == name
    assert found.overall == pytest.approx(overall)
    assert found.by_group == pytest.approx({"a": a, "b": b}, nan_ok=True)
    assert found.examples == dict(zip("ab", examples, strict=True))
    assert found.undefined == (("b",) if examples[1] == 0 else ())
    # Without weights all examples count.
    assert found.effective_examples == found.examples


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_intervals_of_groups_have_the_level_asked_for(level):
    rates = rates_by_hand().accuracy()
    found = rates.intervals(level)["a"]
    expected = scipy.stats.binomtest(3, 5).proportion_ci(level, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.value, found.level) == (0.6, level)
    if level == 0.95:
        assert rates.intervals() == rates.intervals(level)


def test_several_classes_have_no_positive_one():
    counts = GroupCounts.from_predictions(
        [0, 1, 2, 2], [0, 1, 1, 1], groups={"g": list("aabb")}
    )
    assert counts.accuracy().by_group == {"a": 1, "b": 0}
    with pytest.raises(ValueError, match=r"precision\(\) needs .* there are 3 classes"):
        counts.precision()
    # Nobody's label is the fourth class; all of the third class are wrong.
    four = GroupCounts.from_predictions(
        [0, 1, 2, 2], [0, 1, 1, 3], groups={"g": list("aabb")}
    )
    np.testing.assert_array_equal(four.class_accuracy(), [1, 1, 0, np.nan])


def test_weights_count_in_the_accuracy_of_a_class():
    counts = GroupCounts.from_predictions(
        [0, 0, 1], [0, 1, 1], groups={"g": list("aab")}, sample_weight=[1, 3, 2]
    )
    np.testing.assert_array_equal(counts.class_accuracy(), [0.25, 1])


def test_a_division_by_nothing_is_undefined():
    numerator, denominator = np.array([[1.0, 0.0, 0.5]]), np.array([[0.0], [0.25]])
    with warnings.catch_warnings(action="error"):
        found = divide(numerator, denominator)
    np.testing.assert_array_equal(found, [[np.nan] * 3, [4, 0, 2]])
