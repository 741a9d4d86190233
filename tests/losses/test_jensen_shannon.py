"""Jensen-Shannon divergences by hand and against NumPy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from loss_cases import (
    STUDENTS,
    TEACHERS,
    TEMPERATURE,
    bernoulli,
    jensen_shannon,
    soft,
)
from scipy.special import rel_entr, softmax

from kd_keras import losses

logits = hnp.arrays(np.float64, (4, 3), elements=st.floats(-20, 20))
temperatures = st.floats(0.5, 20)
quick = settings(max_examples=30, deadline=None)


def test_jensen_shannon_by_hand():
    # p = [1/4, 3/4], q = [3/4, 1/4], mixture [1/2, 1/2]: JS = log 2 - H(1/4).
    teacher, student = np.log([[1.0, 3.0]]), np.log([[3.0, 1.0]])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    expected = math.log(2) - entropy
    value = losses.jensen_shannon_divergence(teacher, student)
    np.testing.assert_allclose(value, [expected], rtol=1e-12)
    binary = losses.binary_jensen_shannon_divergence(
        np.log([[3.0]]), np.log([[1 / 3.0]])
    )
    np.testing.assert_allclose(binary, [expected], rtol=1e-12)


def test_jensen_shannon_is_at_most_log_2():
    value = losses.jensen_shannon_divergence(
        np.array([[0.0, 900.0]]), np.array([[900.0, 0.0]])
    )
    np.testing.assert_allclose(value, [math.log(2)], rtol=1e-12)


@quick
@given(logits, logits, temperatures)
def test_jensen_shannon_equals_numpy(teacher, student, temperature):
    p, q = softmax(teacher / temperature, -1), softmax(student / temperature, -1)
    expected = (rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)).sum(-1) / 2
    np.testing.assert_allclose(
        losses.jensen_shannon_divergence(teacher, student, temperature),
        expected,
        rtol=1e-9,
        atol=1e-12,
    )


EXPECTED = {
    losses.jensen_shannon_divergence: jensen_shannon(soft(TEACHERS), soft(STUDENTS)),
    losses.binary_jensen_shannon_divergence: jensen_shannon(
        bernoulli(TEACHERS), bernoulli(STUDENTS)
    ).mean(-1),
}


@pytest.mark.parametrize("loss", EXPECTED, ids=lambda loss: loss.__name__)
def test_a_loss_is_of_the_last_axis(loss):
    found = loss(TEACHERS, STUDENTS, TEMPERATURE)
    np.testing.assert_allclose(found, EXPECTED[loss], rtol=1e-9)


@pytest.mark.parametrize("loss", EXPECTED, ids=lambda loss: loss.__name__)
def test_a_temperature_may_be_that_of_the_example(loss):
    temperatures = np.array([1.0, 2.0, 5.0, 10.0])
    found = loss(TEACHERS, STUDENTS, temperatures)
    for example, temperature in enumerate(temperatures):
        alone = loss(TEACHERS[example][None], STUDENTS[example][None], temperature)
        np.testing.assert_allclose(found[example], alone[0], rtol=1e-9)


@pytest.mark.parametrize("loss", EXPECTED, ids=lambda loss: loss.__name__)
def test_the_temperature_is_1_by_default(loss):
    np.testing.assert_array_equal(
        loss(TEACHERS, STUDENTS), loss(TEACHERS, STUDENTS, 1.0)
    )
