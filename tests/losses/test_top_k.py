"""Logits from the largest probabilities, against NumPy."""

import numpy as np
import pytest
from loss_cases import (
    SHAPE,
    TEACHERS,
)
from scipy.special import logsumexp, softmax

from kd_keras import losses


@pytest.mark.parametrize(
    ("tail", "expected"), [("uniform", 0.445846), ("renormalize", 1.386294)]
)
def test_top_1_cache_reference_case_7(tail, expected):
    logits = losses.expand_top_k(np.array([[0.7]]), np.array([[0]]), 4, tail)
    value = losses.kl_divergence(logits, np.zeros((1, 4)))
    np.testing.assert_allclose(value, [expected], atol=1e-6)


def test_full_cache_is_exact():
    probabilities = np.array([[0.2, 0.7, 0.04, 0.06]])
    classes = np.array([[1, 0, 3, 2]])
    logits = losses.expand_top_k(probabilities, classes, 4)
    value = losses.kl_divergence(logits, np.zeros((1, 4)))
    np.testing.assert_allclose(value, [0.517175], atol=1e-6)
    np.testing.assert_allclose(softmax(logits), [[0.7, 0.2, 0.06, 0.04]], rtol=1e-6)


def test_top_k_refuses_another_tail():
    with pytest.raises(ValueError, match="`tail` must be 'uniform' or 'renormalize'"):
        losses.expand_top_k(np.array([[0.7]]), np.array([[0]]), 4, "zero")


@pytest.mark.parametrize("tail", ["uniform", "renormalize"])
def test_expand_top_k_of_sequences(tail):
    probabilities = softmax(TEACHERS, -1)
    classes = np.argsort(-probabilities, -1)[..., :2]
    kept = np.take_along_axis(probabilities, classes, -1)
    expected = np.zeros(SHAPE)
    for index in np.ndindex(*SHAPE[:-1]):
        rest = (1 - kept[index].sum()) / (SHAPE[-1] - 2)
        expected[index] = rest if tail == "uniform" else 0
        scale = 1 if tail == "uniform" else kept[index].sum()
        expected[index][classes[index]] = kept[index] / scale
    found = losses.expand_top_k(kept, classes, SHAPE[-1], tail)
    np.testing.assert_allclose(np.exp(found), expected, atol=1e-9)
    np.testing.assert_allclose(logsumexp(found, -1), np.zeros(SHAPE[:-1]), atol=1e-9)


def test_one_class_alone_gets_all_that_is_missing():
    kept, classes = np.array([[0.5, 0.25]]), np.array([[2, 0]])
    found = losses.expand_top_k(kept, classes, 3)
    np.testing.assert_allclose(found, np.log([[0.25, 0.25, 0.5]]), rtol=1e-12)


def test_a_class_without_probability_has_the_log_probability_minus_85():
    found = losses.expand_top_k(np.array([[0.8]]), np.array([[1]]), 3, "renormalize")
    np.testing.assert_allclose(found, [[-85.0, 0.0, -85.0]], rtol=1e-12)
    # Rounding may bring the sum above 1: nothing is missing then.
    found = losses.expand_top_k(np.array([[0.75, 0.5]]), np.array([[0, 1]]), 3)
    np.testing.assert_allclose(found, [[*np.log([0.75, 0.5]), -85.0]], rtol=1e-12)
