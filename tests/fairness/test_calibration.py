"""Calibration by group, against scikit-learn and by hand."""

import math
import warnings

import numpy as np
import pytest
import sklearn.metrics

from kd_keras.fairness import (
    calibration,
)


@pytest.mark.parametrize("num_classes", [2, 4])
def test_brier_and_nll_equal_scikit_learn(num_classes):
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(num_classes), 200), rng.integers(0, num_classes, 200)
    g, w = rng.choice(["a", "b"], 200), rng.random(200)
    _, by_group = calibration(y, p, groups=g, sample_weight=w)
    for name in ("a", "b"):
        m = g == name
        scores = p[m] if num_classes > 2 else p[m, 1]
        options = {"sample_weight": w[m], "labels": range(num_classes)}
        brier = sklearn.metrics.brier_score_loss(y[m], scores, **options)
        nll = sklearn.metrics.log_loss(y[m], p[m], **options)
        assert by_group[name].brier == pytest.approx(brier, rel=1e-12)
        assert by_group[name].nll == pytest.approx(nll, rel=1e-12)


def test_expected_calibration_error():
    # Bins (.6, .8] with .7 right, .75 wrong; (.8, 1] with .9 right and right.
    p, y = [0.7, 0.25, 0.9, 0.1], [1, 1, 1, 0]
    overall, by_group = calibration(y, p, groups=["a", "a", "b", None], num_bins=5)
    # |1 - 1.45| / 4 + |2 - 1.8| / 4
    assert overall.ece == pytest.approx(0.45 / 4 + 0.2 / 4)
    assert by_group["a"].ece == pytest.approx(0.45 / 2)
    assert by_group["b"].ece == pytest.approx(0.1)
    assert (overall.examples, by_group["a"].examples) == (4, 2)


def test_certain_and_wrong_has_infinite_nll():
    overall, _ = calibration([1, 0], [0.0, 0.0], groups=["a", "b"])
    assert overall.nll == math.inf
    assert overall.brier == 0.5


@pytest.mark.parametrize(
    "probabilities",
    [[math.nan, 0.5], [1.5, 0.5], [[0.5, 0.2], [0.5, 0.5]]],
    ids=["nan", "range", "sum"],
)
def test_bad_probabilities(probabilities):
    with pytest.raises(ValueError, match="`probabilities` must lie between 0 and 1"):
        calibration([0, 1], probabilities, groups=["a", "b"])


# Probability of class 1, label, group.
PROBABILITIES = np.array([0.9, 0.9, 0.6, 0.8, 0.3])


LABELS = np.array([1, 0, 1, 0, 1])


GROUPS = np.array(["a", "b", "a", "b", "a"])


WEIGHTS = np.array([3, 1, 2, 4, 1])


def test_calibration_with_weights_by_hand():
    overall, by_group = calibration(
        LABELS, PROBABILITIES, groups=GROUPS, sample_weight=WEIGHTS, num_bins=10
    )
    # Confidences .9 (right 3, wrong 1), .6 (right 2), .8 (wrong 4), .7 (wrong 1),
    # each in a bin of its own: |3 - .9 * 4| + |2 - .6 * 2| + .8 * 4 + .7 of 11.
    assert overall.ece == pytest.approx((0.6 + 0.8 + 3.2 + 0.7) / 11)
    assert by_group["a"].ece == pytest.approx((0.3 + 0.8 + 0.7) / 6)
    assert by_group["b"].ece == pytest.approx((0.9 + 3.2) / 5)
    squares = 3 * 0.01 + 0.81 + 2 * 0.16 + 4 * 0.64 + 0.49
    assert overall.brier == pytest.approx(squares / 11)
    assert by_group["b"].brier == pytest.approx((0.81 + 4 * 0.64) / 5)
    surprise = -np.log([0.9, 0.1, 0.6, 0.2, 0.3])
    assert overall.nll == pytest.approx((WEIGHTS * surprise).sum() / 11)


def test_calibration_weights_repeat_examples():
    weighted, by_group = calibration(
        LABELS, PROBABILITIES, groups=GROUPS, sample_weight=WEIGHTS
    )
    repeated, repeated_by_group = calibration(
        LABELS.repeat(WEIGHTS),
        PROBABILITIES.repeat(WEIGHTS),
        groups=GROUPS.repeat(WEIGHTS),
    )
    np.testing.assert_allclose(weighted[:3], repeated[:3])
    for group in "ab":
        np.testing.assert_allclose(by_group[group][:3], repeated_by_group[group][:3])


def test_a_group_whose_examples_have_no_weight_has_no_calibration():
    # The last group, and one in the middle.
    _, by_group = calibration(
        [1, 0, 1, 1], [0.9, 0.2, 0.5, 0.6], groups=list("abca"),
        sample_weight=[1, 0, 0, 2],
    )  # fmt: skip
    assert [by_group[g].examples for g in "abc"] == [2, 0, 0]
    for group in "bc":
        assert np.isnan(by_group[group][:3]).all()


@pytest.mark.parametrize(
    "probabilities", [[[0.5], [0.5]], np.zeros((2, 2, 2)), 0.5], ids=np.shape
)
def test_other_shapes_are_refused(probabilities):
    with pytest.raises(ValueError, match="`probabilities` must have shape"):
        calibration([0, 1], probabilities, groups=["a", "b"])


@pytest.mark.parametrize(
    "probabilities",
    [
        # Their sum is close enough to 1, and one of them is still beyond it.
        [[1.005, 0.0], [0.5, 0.5]],
        [[-0.005, 1.0], [0.5, 0.5]],
    ],
)
def test_one_probability_beyond_its_range_is_refused(probabilities):
    with pytest.raises(ValueError, match="`probabilities` must lie between 0 and 1"):
        calibration([0, 1], probabilities, groups=["a", "b"])


def test_sums_may_be_off_by_rounding():
    overall, _ = calibration([0, 1], [[0.5, 0.495], [0.5, 0.505]], groups=["a", "b"])
    assert overall.nll == pytest.approx(-np.log(0.5 * 0.505) / 2)


def test_fifteen_bins_unless_said_otherwise():
    # .55 and .59 lie in (8/15, 9/15], .61 and .65 in (9/15, 10/15].
    p, y = [0.55, 0.59, 0.61, 0.65], [1, 0, 1, 0]
    overall, _ = calibration(y, p, groups=list("aaaa"))
    # |1 - .55 - .59| and |1 - .61 - .65| of 4.
    assert overall.ece == pytest.approx((0.14 + 0.26) / 4)
    options = {"groups": list("aaaa")}
    assert calibration(y, p, num_bins=15, **options)[0] == overall
    assert calibration(y, p, num_bins=16, **options)[0].ece != pytest.approx(
        overall.ece
    )


def test_the_lowest_bin_is_one_of_its_own():
    # Confidences .5 (right), in (0, .5], and .9 (wrong), in (.5, 1].
    overall, _ = calibration([0, 0], [0.5, 0.9], groups=["a", "a"], num_bins=2)
    assert overall.ece == pytest.approx((0.5 + 0.9) / 2)


def test_a_certain_and_wrong_answer_warns_of_nothing():
    with warnings.catch_warnings(action="error"):
        calibration([1, 0], [0.0, 0.0], groups=["a", "b"])
