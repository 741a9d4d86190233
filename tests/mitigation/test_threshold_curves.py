"""Curves of one group: what every threshold does to nine examples, by hand."""

import numpy as np
import pytest

from kd_keras.mitigation.curves import curve

# By falling score: .9 (positive), .7 twice (negative, positive), .4 (negative of weight
# 2), .1 (positive of weight 3).
SCORES = np.array([0.4, 0.9, 0.7, 0.1, 0.7])
LABELS = np.array([0, 1, 0, 1, 1])
WEIGHTS = np.array([2.0, 1, 1, 3, 1])
CURVE = curve(SCORES, LABELS, WEIGHTS)


def test_every_cut_counts_by_weight():
    np.testing.assert_array_equal(CURVE.scores, [0.9, 0.7, 0.4, 0.1])
    np.testing.assert_array_equal(CURVE.true_positives, [0, 1, 2, 2, 5])
    np.testing.assert_array_equal(CURVE.false_positives, [0, 0, 1, 3, 3])
    np.testing.assert_array_equal(CURVE.errors, [5, 4, 4, 6, 3])
    # Negatives of weights 2 and 1: 9 / 5; positives of 1, 3 and 1: 25 / 11.
    assert CURVE.effective == pytest.approx((9 / 5, 25 / 11))
    assert CURVE.examples == (2, 3)


def test_rates_of_every_cut():
    expected = {
        "true_positive_rate": np.array([0, 1, 2, 2, 5]) / 5,
        "false_positive_rate": np.array([0, 0, 1, 3, 3]) / 3,
        "true_negative_rate": np.array([3, 3, 2, 0, 0]) / 3,
        "selection_rate": np.array([0, 1, 3, 5, 8]) / 8,
        "accuracy": np.array([3, 4, 4, 2, 5]) / 8,
    }
    for name, rates in expected.items():
        np.testing.assert_allclose(CURVE.rate(name), rates)


def test_thresholds_lie_between_the_scores():
    expected = [np.inf, 0.8, 0.55, 0.25, -np.inf]
    np.testing.assert_allclose(CURVE.thresholds, expected)
    # Class 1 is a score strictly above.
    for threshold, cut in ((1, 0), (0.9, 0), (0.8, 1), (0.7, 1), (0.4, 2), (-1, 4)):
        assert CURVE.cut(threshold) == cut
    assert [CURVE.cut(t) for t in CURVE.thresholds] == [0, 1, 2, 3, 4]


def test_neighbours_in_floating_point_are_cut_at_the_lower_one():
    high = np.nextafter(0.3, 1)
    close = curve(np.array([0.3, high]), np.array([0, 1]), np.ones(2))
    np.testing.assert_array_equal(close.thresholds, [np.inf, 0.3, -np.inf])


def test_a_group_without_examples_of_a_label():
    one = curve(np.array([0.2]), np.array([1]), np.array([4.0]))
    assert (one.effective, one.examples) == ((0, 1), (0, 1))
    assert np.isnan(one.rate("false_positive_rate")).all()
    nobody = curve(np.zeros(0), np.zeros(0, int), np.zeros(0))
    assert (nobody.effective, nobody.examples) == ((0, 0), (0, 0))
    for values in (nobody.true_positives, nobody.false_positives, nobody.errors):
        np.testing.assert_array_equal(values, [0])
    np.testing.assert_array_equal(nobody.thresholds, [np.inf])


def test_equal_scores_are_summed_in_their_order():
    # In another order the sum rounds otherwise, with another processor's sorting.
    weights = 0.1 + np.arange(500) % 7 * 0.3
    labels = np.ones(500, int)
    same = curve(np.full(500, 0.5), labels, weights)
    assert same.true_positives[-1] == np.cumsum(weights)[-1]
