"""Several teachers as one, with unequal weights, against NumPy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit, log_softmax, logit, softmax

from kd_keras.distiller.combination import (
    combine_teachers,
    logits_from_probabilities,
    normalized,
)

RNG = np.random.default_rng(0)
# Three teachers, `[batch, time, classes]` of three sizes.
LOGITS = list(3 * RNG.normal(size=(3, 4, 2, 5)).astype("float32"))
WEIGHTS = [0.5, 0.2, 0.3]
TEMPERATURES = [2.0, np.float32([1, 2, 3, 5])]


def column(temperature):
    """A temperature that broadcasts against the logits."""
    return np.reshape(temperature, (-1, 1, 1))


def test_weights_are_shares():
    assert normalized([1.0, 3.0], 2) == [0.25, 0.75]
    assert normalized(None, 4) == [0.25] * 4
    # Logits from the data are of one teacher, whatever the weights say.
    assert normalized([1.0, 3.0], 1) == [1.0]


def test_one_teacher_is_itself():
    assert combine_teachers(LOGITS[:1], [1.0], "logits", "softmax", 2.0) is LOGITS[0]


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_logits_are_averaged_by_weight(head):
    found = combine_teachers(LOGITS, WEIGHTS, "logits", head, 2.0)
    expected = 0.5 * LOGITS[0] + 0.2 * LOGITS[1] + 0.3 * LOGITS[2]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("temperature", TEMPERATURES, ids=["one", "per example"])
def test_softened_predictions_are_averaged_by_weight(temperature):
    t = column(temperature)
    found = combine_teachers(LOGITS, WEIGHTS, "probabilities", "softmax", temperature)
    parts = [w * softmax(z / t, -1) for w, z in zip(WEIGHTS, LOGITS, strict=True)]
    np.testing.assert_allclose(softmax(np.array(found) / t, -1), sum(parts), rtol=1e-5)
    # And not only up to a shift: T times the log of the mean.
    np.testing.assert_allclose(found, t * np.log(sum(parts)), rtol=1e-5)


@pytest.mark.parametrize("temperature", TEMPERATURES, ids=["one", "per example"])
def test_softened_labels_are_averaged_by_weight(temperature):
    t = column(temperature)
    found = combine_teachers(LOGITS, WEIGHTS, "probabilities", "sigmoid", temperature)
    mean = sum(w * expit(z / t) for w, z in zip(WEIGHTS, LOGITS, strict=True))
    np.testing.assert_allclose(found, t * logit(mean), rtol=1e-4, atol=1e-5)


def test_far_teachers_are_averaged_in_log_space():
    # The mean of (1, exp(-900)) and (exp(-900), 1) by 3 : 1.
    far = [np.float32([[900, 0]]), np.float32([[0, 900]])]
    found = combine_teachers(far, [0.75, 0.25], "probabilities", "softmax", 1.0)
    np.testing.assert_allclose(found, [[math.log(0.75), math.log(0.25)]], rtol=1e-6)


def test_logits_of_probabilities():
    p = np.array([[0.1, 0.7, 0.2]], "float32")
    np.testing.assert_allclose(
        logits_from_probabilities(p, "softmax"), np.log(p), rtol=1e-6
    )
    np.testing.assert_allclose(
        logits_from_probabilities(p, "sigmoid"), logit(p), rtol=1e-5
    )
    np.testing.assert_array_equal(logits_from_probabilities(p, None), p)


def test_certain_labels_have_finite_logits():
    found = logits_from_probabilities(np.array([[0.0, 1.0]], "float16"), "sigmoid")
    assert found.dtype == "float32"
    # exp(-85) stands for a probability of 0; 1 is told from 1 - 2^-25 no more.
    np.testing.assert_allclose(found, [[-85.0, 25 * math.log(2)]], rtol=1e-6)


rows = hnp.arrays(np.float32, (3, 2, 4), elements=st.floats(-20, 20, width=32))


@settings(max_examples=30, deadline=None)
@given(rows, st.permutations(range(3)), st.floats(0.5, 10))
def test_the_order_of_the_teachers_does_not_matter(logits, order, temperature):
    for head in ("softmax", "sigmoid"):
        for how in ("probabilities", "logits"):
            one, other = (
                combine_teachers(
                    [logits[i] for i in indices],
                    [WEIGHTS[i] for i in indices],
                    how,
                    head,
                    temperature,
                )
                for indices in (range(3), order)
            )
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(rows, st.floats(0.5, 10))
def test_equal_teachers_are_one(logits, temperature):
    for how in ("probabilities", "logits"):
        same = [logits[0]] * 3
        found = combine_teachers(same, WEIGHTS, how, "softmax", temperature)
        np.testing.assert_allclose(
            log_softmax(found, -1), log_softmax(logits[0], -1), rtol=1e-4, atol=1e-4
        )
