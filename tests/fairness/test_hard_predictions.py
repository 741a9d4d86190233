"""Hard predictions of scores in each of their forms."""

import numpy as np
import pytest

from kd_keras.fairness import hard_predictions


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # With two scores the higher one counts, and the first one of equals.
        ([[0.9, 0.8], [0.1, 0.3], [0.2, 0.2]], [0, 1, 0]),
        ([[1, 5, 9], [5, 9, 1]], [2, 1]),
    ],
)
def test_forms(scores, expected):
    found = hard_predictions(scores)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scores", [[0.4, 0.5, 0.6], [[0.4], [0.5], [0.6]]], ids=len)
def test_one_score_is_cut_at_a_half(scores):
    found = hard_predictions(scores, scores="probabilities")
    np.testing.assert_array_equal(found, [0, 0, 1])


def test_one_logit_is_cut_where_its_probability_is_the_threshold():
    logits = [-0.1, 0, 0.1, 0.7]
    np.testing.assert_array_equal(
        hard_predictions(logits, scores="logits"), [0, 0, 1, 1]
    )
    # sigmoid(0.1) = 0.525, sigmoid(0.7) = 0.668.
    found = hard_predictions(logits, scores="logits", threshold=0.6)
    np.testing.assert_array_equal(found, [0, 0, 0, 1])


@pytest.mark.parametrize("scores", [0.5, [[[0.5]]]], ids=["scalar", "three axes"])
def test_other_shapes_are_refused(scores):
    with pytest.raises(ValueError, match=r"must have shape \[examples\] or"):
        hard_predictions(scores)


def test_nan_is_counted():
    with pytest.raises(ValueError, match="2 NaN of 3 values"):
        hard_predictions([np.nan, np.nan, 0.5])


def test_a_threshold_of_two_columns():
    # sigmoid(.5 - .2) = .574 and sigmoid(.9 - .2) = .668.
    probabilities, logits = [[0.35, 0.65], [0.45, 0.55]], [[0.2, 0.5], [0.2, 0.9]]
    found = hard_predictions(probabilities, scores="probabilities", threshold=0.6)
    np.testing.assert_array_equal(found, [1, 0])
    found = hard_predictions(logits, scores="logits", threshold=0.6)
    np.testing.assert_array_equal(found, [0, 1])
    with pytest.raises(ValueError, match="A threshold is for the probability"):
        hard_predictions(probabilities, threshold=0.6)


def test_labels_are_whole_numbers():
    np.testing.assert_array_equal(hard_predictions([2.0, 0], scores="labels"), [2, 0])
    with pytest.raises(ValueError, match="Labels must be class indices"):
        hard_predictions([1.0, 0.5], scores="labels")
