"""The reverse KL divergence and GKD's interpolation, by hand and against NumPy."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from loss_cases import (
    STUDENT,
    STUDENTS,
    TEACHER,
    TEACHERS,
    TEMPERATURE,
    jensen_shannon,
    kl,
    soft,
)

from kd_keras import losses

# p = [1/4, 3/4] of the teacher, q = [1/2, 1/2] of the student.
P, Q = np.log([[1.0, 3.0]]), np.log([[1.0, 1.0]])


def test_reverse_kl_by_hand():
    # 1/2 log 2 + 1/2 log (2/3) = 1/2 log (4/3)
    value = losses.reverse_kl_divergence(P, Q)
    np.testing.assert_allclose(value, [math.log(4 / 3) / 2], rtol=1e-12)


def test_reverse_kl_is_the_forward_one_of_the_exchanged_logits():
    value = losses.reverse_kl_divergence(TEACHERS, STUDENTS, TEMPERATURE)
    np.testing.assert_allclose(value, kl(soft(STUDENTS), soft(TEACHERS)), rtol=1e-10)


def test_reverse_kl_of_far_logits_is_finite_with_its_gradient():
    student = tf.constant([[0.0, 30.0]])
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = losses.reverse_kl_divergence(tf.constant([[30.0, 0.0]]), student)
    np.testing.assert_allclose(value, [30.0], rtol=1e-6)
    assert np.isfinite(tape.gradient(value, student)).all()


def test_interpolation_by_hand():
    # beta = 1/4: m = 1/4 [1/4, 3/4] + 3/4 [1/2, 1/2] = [7/16, 9/16].
    to_p = math.log(4 / 7) / 4 + 3 / 4 * math.log(12 / 9)
    to_q = (math.log(8 / 7) + math.log(8 / 9)) / 2
    value = losses.generalized_jensen_shannon(P, Q, beta=0.25)
    np.testing.assert_allclose(value, [to_p / 4 + to_q * 3 / 4], rtol=1e-12)


def test_one_half_is_the_jensen_shannon_divergence():
    value = losses.generalized_jensen_shannon(TEACHERS, STUDENTS, TEMPERATURE)
    expected = jensen_shannon(soft(TEACHERS), soft(STUDENTS))
    np.testing.assert_allclose(value, expected, rtol=1e-10)


def test_the_ends_tend_to_the_forward_and_the_reverse_divergence():
    low = losses.generalized_jensen_shannon(TEACHER, STUDENT, beta=1e-6)
    np.testing.assert_allclose(
        low / 1e-6, kl(soft(TEACHER, 1), soft(STUDENT, 1)), rtol=1e-4
    )
    high = losses.generalized_jensen_shannon(TEACHER, STUDENT, beta=1 - 1e-6)
    np.testing.assert_allclose(
        high / 1e-6, kl(soft(STUDENT, 1), soft(TEACHER, 1)), rtol=1e-4
    )


def test_the_class_has_the_function_and_its_config():
    loss = losses.GeneralizedJensenShannonLoss(0.25, weight=2.0)
    again = losses.GeneralizedJensenShannonLoss.from_config(loss.get_config())
    inputs = losses.LossInputs(Q, P, 1.0)
    expected = losses.generalized_jensen_shannon(P, Q, 1.0, 0.25)
    np.testing.assert_array_equal(again(inputs), expected)
    assert again.weight == 2.0
    serialized = keras.saving.serialize_keras_object(loss)
    # Under the name that earlier files have.
    name = "kd_keras>GeneralizedJensenShannonLoss"
    assert serialized["registered_name"] == name
    assert losses.GeneralizedJensenShannonLoss().beta == 0.5


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.5, math.nan])
def test_a_share_outside_of_0_and_1_is_refused(beta):
    with pytest.raises(ValueError, match=r"beta=.*'kl' for 0 and 'reverse_kl' for 1"):
        losses.GeneralizedJensenShannonLoss(beta)
