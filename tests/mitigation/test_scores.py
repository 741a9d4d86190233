"""Scores of two classes as one number, by hand."""

import numpy as np
import pytest

from kd_keras.mitigation.scores import binary_labels, class_one_scores


@pytest.mark.parametrize(
    ("scores", "from_logits", "expected"),
    [
        ([0.2, 1], False, [0.2, 1]),
        ([[0.2], [0]], False, [0.2, 0]),
        ([[0.7, 0.2], [0.1, 0.9]], False, [0.2, 0.9]),
        ([2, -3], True, [2, -3]),
        ([[2], [-3]], True, [2, -3]),
        ([[4, 1.5], [-1, 2]], True, [-2.5, 3]),
        ([], False, []),
    ],
)
def test_the_score_of_class_one(scores, from_logits, expected):
    found = class_one_scores(scores, from_logits)
    np.testing.assert_allclose(found, expected)
    assert found.shape == (len(expected),)


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [(float, "float64"), ("float16", "float32"), (int, "float32"), (bool, "float32")],
)
def test_the_precision_of_scores(dtype, kept):
    assert class_one_scores(np.array([0, 1], dtype), False).dtype == kept


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([-0.5, 0.5], "values from -0.5 to 0.5. Pass from_logits=True"),
        ([0.5, 1.5], "values from 0.5 to 1.5"),
        ([0.5, np.nan], "Received: 1 that are not"),
        (np.zeros((2, 1, 1)), r"Received: \(2, 1, 1\)"),
        (0.5, r"Received: \(\)"),
    ],
)
def test_what_are_no_scores(scores, message):
    with pytest.raises(ValueError, match=message):
        class_one_scores(scores, False)


def test_one_label_that_is_neither_0_nor_1_is_named():
    np.testing.assert_array_equal(binary_labels([True, False, True], 3), [1, 0, 1])
    assert binary_labels([1.0, 0.0], 2).dtype == np.int64
    for bad in (2, -1):
        with pytest.raises(ValueError, match=rf"must be 0 or 1\. Received: .*{bad}"):
            binary_labels([0, 1, bad], 3)
