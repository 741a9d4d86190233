"""The Distiller on the reference cases whose numbers are known."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import (
    LABELS,
    SPARSE,
    STUDENT,
    TEACHER,
    X,
    linear,
    reads_student,
    reads_teacher,
)

from kd_keras.distiller import Distiller


def evaluate(distiller, *args, loss=SPARSE, **kwargs):
    distiller.compile("sgd", loss)
    return distiller.evaluate(*args, return_dict=True, verbose=0, **kwargs)


@pytest.mark.parametrize(
    ("temperature", "expected"), [(1, 1.208120), (3, 1.346688), (10, 1.309697)]
)
def test_case_1(temperature, expected):
    distiller = Distiller(
        student=reads_student(),
        teacher=reads_teacher(),
        temperature=temperature,
        alpha=1.0,
    )
    logs = evaluate(distiller, X, LABELS)
    assert logs["loss"] == pytest.approx(expected, abs=2e-6)
    assert logs["soft_loss"] == pytest.approx(expected, abs=2e-6)
    # Hard predictions: teacher 2, 2; student 2, 1.
    assert logs["agreement"] == 0.5


def test_case_1_update():
    # The kernel's gradient is x^T times the gradient of the logits, so row 3 is
    # moved by the second half of x: 2 * row 1 + 3 * row 2 of the gradients.
    student = reads_student()
    before = student.get_weights()[0]
    distiller = Distiller(
        student=student, teacher=reads_teacher(), temperature=3, alpha=1.0
    )
    distiller.compile(keras.optimizers.SGD(1.0), SPARSE)
    # One example, so that no batch mean is taken.
    distiller.fit(X[:1], LABELS[:1], verbose=0)
    moved = before - student.get_weights()[0]
    np.testing.assert_allclose(
        moved, np.outer(X[0], [0.12801, -0.37733, 0.24932]), atol=5e-5
    )


def test_total_is_the_weighted_sum_of_both_terms():
    # Hard: log-sum-exp minus the label's logit, by hand in NumPy.
    hard = np.mean(np.log(np.exp(STUDENT).sum(-1)) - STUDENT[[0, 1], LABELS])
    distiller = Distiller(
        student=reads_student(), teacher=reads_teacher(), temperature=3, alpha=0.25
    )
    logs = evaluate(distiller, X, LABELS)
    assert logs["hard_loss"] == pytest.approx(hard, rel=1e-5)
    assert logs["loss"] == pytest.approx(0.75 * hard + 0.25 * 1.346688, rel=1e-5)


def test_without_the_factor_of_squared_temperature():
    distiller = Distiller(
        student=reads_student(),
        teacher=reads_teacher(),
        temperature=3,
        alpha=1.0,
        scale_by_temperature_squared=False,
    )
    assert evaluate(distiller, X, LABELS)["loss"] == pytest.approx(
        1.346688 / 9, abs=1e-6
    )


@pytest.mark.parametrize("shift", [(0, 0), (100, 0), (0, 100)])
def test_case_2_shift(shift):
    teacher = np.array([-1, -2, -3]) + shift[0]
    student = np.array([-3, -1, -2]) + shift[1]
    x = np.concatenate([teacher, student])[None].astype("float32")
    distiller = Distiller(
        student=reads_student(), teacher=reads_teacher(), temperature=3, alpha=1.0
    )
    assert evaluate(distiller, x, LABELS[:1])["loss"] == pytest.approx(
        1.035968, abs=5e-5
    )


def test_case_2_identical_logits_change_nothing():
    student = reads_student()
    before = student.get_weights()[0]
    distiller = Distiller(student=student, teacher=reads_teacher(), alpha=1.0)
    distiller.compile(keras.optimizers.SGD(1.0), SPARSE)
    logs = distiller.fit(
        np.concatenate([TEACHER, TEACHER], -1), LABELS, verbose=0
    ).history
    assert logs["loss"] == [0.0]
    np.testing.assert_allclose(student.get_weights()[0], before, atol=1e-6)


def test_case_3_sigmoid_head():
    teacher, student = linear([[1.0], [0.0]]), linear([[0.0], [1.0]])
    distiller = Distiller(
        student=student, teacher=teacher, temperature=3, alpha=1.0, head="sigmoid"
    )
    distiller.compile(
        keras.optimizers.SGD(1.0), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    logs = distiller.fit(np.array([[-3.0, 2.0]]), np.array([0]), verbose=0).history
    assert logs["loss"] == [pytest.approx(2.875854, abs=2e-6)]
    assert logs["agreement"] == [0.0]
    # dL/dz times the inputs.
    np.testing.assert_allclose(
        student.get_weights()[0],
        [[0 + 3 * 1.175445], [1 - 2 * 1.175445]],
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "student_logits", [np.log([0.1863, 0.3072, 0.5065]), np.array([0.0, 0.0, 0.0])]
)
def test_case_3_probabilities(student_logits):
    # At T=2 the targets are [.1863, .3072, .5065].
    teacher = linear(np.eye(6, 3), activation="softmax")
    target = np.array([0.1863, 0.3072, 0.5065])
    log_q = student_logits / 2 - np.log(np.exp(student_logits / 2).sum())
    expected = 4 * np.sum(target * (np.log(target) - log_q))
    x = np.concatenate([np.log([0.09, 0.2447, 0.6652]), student_logits])
    distiller = Distiller(
        student=reads_student(),
        teacher=teacher,
        temperature=2,
        alpha=1.0,
        teacher_outputs="probabilities",
    )
    logs = evaluate(distiller, x[None].astype("float32"), LABELS[:1])
    assert logs["loss"] == pytest.approx(expected, abs=5e-4)


def test_sigmoid_probabilities():
    teacher = linear([[1.0], [0.0]], activation="sigmoid")
    distiller = Distiller(
        student=linear([[0.0], [1.0]]),
        teacher=teacher,
        temperature=3,
        alpha=1.0,
        head="sigmoid",
        teacher_outputs="probabilities",
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    logs = evaluate(distiller, np.array([[-3.0, 2.0]]), np.array([0]), loss=loss)
    assert logs["loss"] == pytest.approx(2.875854, abs=2e-5)


def test_case_4_weights():
    distiller = Distiller(
        student=reads_student(), teacher=reads_teacher(), temperature=3, alpha=1.0
    )
    logs = evaluate(distiller, X, LABELS, sample_weight=np.array([2.0, 0.0]))
    assert logs["loss"] == pytest.approx(0.397776, abs=2e-6)


def test_case_4_no_weight_no_update():
    student = reads_student()
    before = student.get_weights()[0]
    distiller = Distiller(student=student, teacher=reads_teacher(), temperature=3)
    distiller.compile("adam", SPARSE)
    logs = distiller.fit(X, LABELS, sample_weight=np.zeros(2), verbose=0).history
    assert logs["loss"] == [0.0]
    np.testing.assert_array_equal(student.get_weights()[0], before)


def linear_layer(first):
    kernel = np.eye(6, 3, -first, dtype="float32")
    return keras.layers.Dense(
        3,
        use_bias=False,
        kernel_initializer=lambda shape, dtype: tf.constant(kernel, dtype),
    )


def tokens(first):
    inputs = keras.Input((None, 6))
    hidden = keras.layers.Masking()(inputs)
    return keras.Model(inputs, linear_layer(first)(hidden))


@pytest.mark.parametrize("padding", [0, 1, 5])
def test_case_5_mask(padding):
    x = np.concatenate([X[:1], np.zeros((padding, 6), "float32")])[None]
    labels = np.zeros((1, 1 + padding), int)
    distiller = Distiller(
        student=tokens(3), teacher=tokens(0), temperature=3, alpha=1.0
    )
    logs = evaluate(distiller, x, labels)
    assert logs["loss"] == pytest.approx(0.397776, abs=2e-6)


def test_case_5_mask_applies_to_the_hard_loss_and_ignores_padded_labels():
    x = np.concatenate([X[:1], np.zeros((1, 6), "float32")])[None]
    distiller = Distiller(
        student=tokens(3), teacher=tokens(0), temperature=3, alpha=0.0
    )
    logs = evaluate(distiller, x, np.array([[0, -1]]))
    hard = np.log(np.exp(STUDENT[0]).sum()) - STUDENT[0, 0]
    assert logs["loss"] == pytest.approx(hard, rel=1e-5)


def test_case_5_means_are_over_valid_steps_of_all_sequences():
    # Rows 0.397776 and 2.295599; sequences with one and two valid steps.
    x = np.zeros((2, 2, 6), "float32")
    x[0, 0], x[1] = X[0], X[[1, 1]]
    distiller = Distiller(
        student=tokens(3), teacher=tokens(0), temperature=3, alpha=1.0
    )
    expected = (0.397776 + 2 * 2.295599) / 3
    for batch_size in (1, 2):
        logs = evaluate(distiller, x, np.zeros((2, 2), int), batch_size=batch_size)
        assert logs["loss"] == pytest.approx(expected, abs=3e-6)
        assert logs["soft_loss"] == pytest.approx(expected, abs=3e-6)


def test_case_5_all_padded():
    distiller = Distiller(student=tokens(3), teacher=tokens(0))
    x = np.zeros((1, 2, 6), "float32")
    assert evaluate(distiller, x, np.zeros((1, 2), int))["loss"] == 0.0


@pytest.mark.parametrize(
    ("combine", "expected"),
    [("losses", 0.921289), ("probabilities", 0.328891), ("logits", 0.213231)],
)
def test_case_6_two_teachers(combine, expected):
    first, second = linear([[4.0, 0, 0]]), linear([[0.0, 4, 0]])
    student = linear([[0.0, 0, 0]])
    distiller = Distiller(
        student=student,
        teacher=[first, second],
        temperature=1,
        alpha=1.0,
        combine_teachers=combine,
    )
    logs = evaluate(distiller, np.ones((1, 1), "float32"), np.array([0]))
    assert logs["loss"] == pytest.approx(expected, abs=1e-6)


def test_teacher_weights():
    # 3 : 1 of the two losses of case 6, which are equal by symmetry for the
    # uniform student; against a student of [4, 0, 0] the first is 0.
    first, second = linear([[4.0, 0, 0]]), linear([[0.0, 4, 0]])
    student = linear([[4.0, 0, 0]])
    e = np.exp(4.0)
    second_loss = (e - 1) / (e + 2) * 4
    distiller = Distiller(
        student=student,
        teacher=[first, second],
        temperature=1,
        alpha=1.0,
        combine_teachers="losses",
        teacher_weights=[3, 1],
    )
    logs = evaluate(distiller, np.ones((1, 1), "float32"), np.array([0]))
    assert logs["loss"] == pytest.approx(second_loss / 4, rel=1e-5)


def test_binary_teachers_combine_by_probability():
    # sigmoid(0) = 1/2 and sigmoid(log 3) = 3/4: mean 5/8 against 1/2.
    teachers = [linear([[0.0]]), linear([[np.log(3.0)]])]
    distiller = Distiller(
        student=linear([[0.0]]),
        teacher=teachers,
        temperature=1,
        alpha=1.0,
        head="sigmoid",
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    logs = evaluate(distiller, np.ones((1, 1)), np.array([0]), loss=loss)
    expected = 0.625 * np.log(1.25) + 0.375 * np.log(0.75)
    assert logs["loss"] == pytest.approx(expected, abs=1e-6)
