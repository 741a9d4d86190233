"""The temperature that calibrates, against cases by hand and a logistic regression."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model

from kd_keras.fairness import calibration_temperature


def test_two_logits_by_hand():
    # Logits 0 and 3, right in 3 of 4: the best probability is 3/4, at 3 / T = log 3.
    logits = np.tile([0.0, 3.0], (4, 1))
    found = calibration_temperature([1, 1, 1, 0], logits)
    assert found == pytest.approx(3 / np.log(3), rel=1e-7)


def test_weights_are_repetitions():
    logits = np.array([[0.0, 3.0], [0.0, 3.0]])
    found = calibration_temperature([1, 0], logits, sample_weight=[3, 1])
    assert found == pytest.approx(3 / np.log(3), rel=1e-7)


def test_logits_times_two_need_twice_the_temperature():
    draw = np.random.default_rng(0)
    logits, labels = draw.normal(size=(300, 4)), draw.integers(0, 4, 300)
    logits[np.arange(300), labels] += 1
    once = calibration_temperature(labels, logits)
    assert calibration_temperature(labels, 2 * logits) == pytest.approx(
        2 * once, rel=1e-7
    )
    shifted = logits + draw.normal(size=(300, 1))
    assert calibration_temperature(labels, shifted) == pytest.approx(once, rel=1e-7)


def test_two_classes_are_a_logistic_regression_without_intercept():
    draw = np.random.default_rng(1)
    margin = draw.normal(0, 4, 500)
    labels = (draw.random(500) < 1 / (1 + np.exp(-margin / 2.5))).astype(int)
    model = sklearn.linear_model.LogisticRegression(
        C=np.inf, fit_intercept=False, tol=1e-10
    ).fit(margin[:, np.newaxis], labels)
    logits = np.stack([np.zeros(500), margin], axis=1)
    assert calibration_temperature(labels, logits) == pytest.approx(
        1 / model.coef_[0, 0], rel=1e-7
    )


def test_who_is_always_right_is_as_sure_as_allowed():
    found = calibration_temperature([0, 1], [[1.0, 0.0], [0.0, 1.0]])
    assert found == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("labels", "logits", "message"),
    [
        ([0], [[np.nan, 0.0]], r"`logits` must be finite.*1 finite"),
        ([], np.zeros((0, 2)), r"`logits` must be finite.*\(0, 2\)"),
        ([0, 1, 1], np.zeros((2, 2)), "y_true"),
        ([0, 2], np.zeros((2, 2)), "y_true"),
    ],
)
def test_bad_input_is_named(labels, logits, message):
    with pytest.raises(ValueError, match=message):
        calibration_temperature(labels, logits)


@pytest.mark.parametrize("logits", [[[2.0, 2.0], [0.0, 0.0]], [[1.0], [3.0]]])
def test_who_says_nothing_is_left_as_it_is(logits):
    assert calibration_temperature([0, 0], logits) == 1


def test_examples_of_weight_0_are_absent():
    # The example that counts says nothing; the other one would like to be sure.
    logits = [[1.0, 1.0], [0.0, 1.0]]
    assert calibration_temperature([0, 1], logits, sample_weight=[1, 0]) == 1
    with pytest.raises(ValueError, match="`sample_weight` must not be 0 for all"):
        calibration_temperature([0, 1], logits, sample_weight=[0, 0])


def test_who_is_always_wrong_is_as_unsure_as_allowed():
    found = calibration_temperature([1, 0], [[1.0, 0.0], [0.0, 1.0]])
    assert found == pytest.approx(1000)


@pytest.mark.parametrize("weight", [0.01, 100.0])
@pytest.mark.parametrize(
    ("labels", "logits", "expected"),
    [
        # Logits 0 and 3, right in 3 of 4; always wrong; always right.
        ([1, 1, 1, 0], [[0.0, 3.0]] * 4, 3 / np.log(3)),
        ([1, 0], [[1.0, 0.0], [0.0, 1.0]], 1000),
        ([0, 1], [[1.0, 0.0], [0.0, 1.0]], 0.01),
        # So right, and so wrong, that the other odds are none, or all.
        ([0, 1], [[90.0, 0.0], [0.0, 90.0]], 0.01),
    ],
)
def test_weights_of_another_scale_change_nothing(labels, logits, expected, weight):
    weights = np.full(len(labels), weight)
    found = calibration_temperature(labels, logits, sample_weight=weights)
    assert found == pytest.approx(expected, rel=1e-7)


def test_far_apart_logits_are_no_overflow():
    # Sure by 30 and right in three of four; sure by 1/2 and right in four of five.
    logits = [[0.0, 30.0]] * 4 + [[0.5, 0.0]] * 5
    labels = [1, 1, 1, 0, 0, 0, 0, 0, 1]
    with warnings.catch_warnings(action="error"):
        found = calibration_temperature(labels, logits)
    model = sklearn.linear_model.LogisticRegression(
        C=np.inf, fit_intercept=False, tol=1e-10
    ).fit(np.diff(logits, axis=1), labels)
    assert found == pytest.approx(1 / model.coef_[0, 0], rel=1e-6)


def test_logits_have_a_row_for_each_example():
    with pytest.raises(ValueError, match=r"`logits` must be finite.*shape \(3,\)"):
        calibration_temperature([0, 1, 1], [0.5, 0.25, 1.0])
