"""Kullback-Leibler divergences against published numbers and NumPy."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from loss_cases import (
    STUDENT,
    STUDENTS,
    TEACHER,
    TEACHERS,
    TEMPERATURE,
    bernoulli,
    kl,
    kl_in_numpy,
    soft,
)
from scipy.special import log_softmax

from kd_keras import losses

logits = hnp.arrays(np.float64, (4, 3), elements=st.floats(-20, 20))
temperatures = st.floats(0.5, 20)
quick = settings(max_examples=30, deadline=None)


@pytest.mark.parametrize(
    ("temperature", "expected"), [(1.0, 1.208120), (3.0, 1.346688), (10.0, 1.309697)]
)
def test_kl_reference_case_1(temperature, expected):
    values = losses.kl_divergence(TEACHER, STUDENT, temperature)
    assert values.dtype == tf.float64
    assert np.mean(values) * temperature**2 == pytest.approx(expected, abs=1e-6)


def test_kl_rows_at_temperature_3():
    values = losses.kl_divergence(TEACHER, STUDENT, 3.0) * 9
    np.testing.assert_allclose(values, [0.397776, 2.295599], atol=1e-6)


def test_kl_gradient_at_temperature_3():
    student = tf.constant(STUDENT)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.kl_divergence(TEACHER, student, 3.0) * 9
    gradient = tape.gradient(value, student)[0]
    np.testing.assert_allclose(gradient, [0.12801, -0.37733, 0.24932], atol=1e-5)


def test_kl_tends_to_half_the_centred_squared_distance():
    # 1 / (2 C) * sum of squares of the centred differences: differences
    # [-1, 1, -1] and [1, -1, 4], so (8/3 + 38/3) / (2 * 3) / 2 rows.
    values = losses.kl_divergence(TEACHER, STUDENT, 1e4) * 1e8
    assert np.mean(values) == pytest.approx(1.277778, abs=1e-3)


def test_kl_keeps_far_logits_in_log_space():
    student = tf.constant([[30.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.kl_divergence(tf.constant([[0.0, 30.0]]), student)
    np.testing.assert_allclose(value, [30.0], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(value, student), [[1.0, -1.0]], rtol=1e-6)


def test_kl_of_a_class_that_the_teacher_excludes():
    # Excluded with -inf: KL([1/2, 1/2, 0] || [1/3, 1/3, 1/3]) = log(3/2).
    teacher = np.array([[0.0, 0.0, -np.inf]])
    value = losses.kl_divergence(teacher, np.zeros((1, 3)))
    np.testing.assert_allclose(value, [math.log(1.5)], rtol=1e-12)


def test_kl_takes_one_temperature_per_example():
    values = losses.kl_divergence(TEACHER, STUDENT, np.array([3.0, 1.0]))
    np.testing.assert_allclose(
        values,
        [
            kl_in_numpy(TEACHER[0], STUDENT[0], 3.0),
            kl_in_numpy(TEACHER[1], STUDENT[1], 1.0),
        ],
        rtol=1e-12,
    )


def test_binary_kl_reference_case_3():
    student = tf.constant([[2.0]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = 9 * losses.binary_kl_divergence(np.array([[-3.0]]), student, 3.0)
    assert value.numpy() == pytest.approx([2.875854], abs=1e-6)
    assert tape.gradient(value, student).numpy() == pytest.approx(
        np.array([[1.175445]]), abs=1e-6
    )


def test_binary_kl_is_the_mean_over_labels():
    teacher, student = np.array([[-3.0, 0.5]]), np.array([[2.0, 0.5]])
    value = 9 * losses.binary_kl_divergence(teacher, student, 3.0)
    np.testing.assert_allclose(value, [2.875854 / 2], atol=1e-6)


def test_standardized_kl_ignores_scale_and_shift():
    # Sun et al., section 4.2: an affine student of the teacher has distance 0.
    value = losses.standardized_kl_divergence(TEACHER, 5 * TEACHER - 7, 2.0)
    np.testing.assert_allclose(value, [0, 0], atol=1e-12)


def test_standardized_kl_by_hand():
    # [1, 2, 3] has mean 2 and population variance 2/3; its z-scores are
    # -sqrt(3/2), 0, sqrt(3/2); those of [0, 0, 3] are -1/sqrt 2, -1/sqrt 2, sqrt 2.
    teacher, student = np.array([[1.0, 2, 3]]), np.array([[0.0, 0, 3]])
    a, b = math.sqrt(1.5), math.sqrt(0.5)
    expected = kl_in_numpy(np.array([-a, 0, a]), np.array([-b, -b, 2 * b]), 2.0)
    value = losses.standardized_kl_divergence(teacher, student, 2.0)
    np.testing.assert_allclose(value, [expected], rtol=1e-10)


def test_standardized_kl_of_equal_logits_has_a_finite_gradient():
    student = tf.zeros((1, 3))
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.standardized_kl_divergence(tf.ones((1, 3)), student, 2.0)
    assert np.all(np.isfinite(tape.gradient(value, student)))


@quick
@given(logits, logits, temperatures)
def test_kl_equals_numpy(teacher, student, temperature):
    np.testing.assert_allclose(
        losses.kl_divergence(teacher, student, temperature),
        kl_in_numpy(teacher, student, temperature),
        rtol=1e-9,
        atol=1e-12,
    )


@quick
@given(logits, logits, temperatures)
def test_gradient_times_squared_temperature(teacher, student, temperature):
    # d KL / dz = (q - p) / T.
    variable = tf.constant(student)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = temperature**2 * losses.kl_divergence(teacher, variable, temperature)
    p = np.exp(log_softmax(teacher / temperature, -1))
    q = np.exp(log_softmax(student / temperature, -1))
    np.testing.assert_allclose(
        tape.gradient(value, variable), temperature * (q - p), rtol=1e-6, atol=1e-9
    )


@quick
@given(logits, logits)
def test_kl_tends_to_the_squared_distance_of_centred_logits(teacher, student):
    difference = (teacher - student) - (teacher - student).mean(-1, keepdims=True)
    np.testing.assert_allclose(
        1e8 * np.array(losses.kl_divergence(teacher, student, 1e4)),
        (difference**2).sum(-1) / 6,
        rtol=1e-2,
        atol=1e-4,
    )


def standardized(logits):
    deviation = logits - logits.mean(-1, keepdims=True)
    return deviation / logits.std(-1, keepdims=True)


EXPECTED = {
    losses.kl_divergence: kl(soft(TEACHERS), soft(STUDENTS)),
    losses.standardized_kl_divergence: kl(
        soft(standardized(TEACHERS)), soft(standardized(STUDENTS))
    ),
    losses.binary_kl_divergence: kl(bernoulli(TEACHERS), bernoulli(STUDENTS)).mean(-1),
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
