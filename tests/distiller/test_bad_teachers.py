"""A teacher that gives no numbers stops training; accuracies cut logits at 0."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import LABELS, SPARSE, X, linear, reads_student, reads_teacher

from kd_keras.distiller import Distiller


def breaks_on(row, value):
    """The teacher of the cases, whose logits are `value` for one row of X."""
    broken = tf.reduce_all(tf.constant(X[row], tf.float32) == X, axis=-1).numpy()
    assert broken.sum() == 1
    inputs = keras.Input((X.shape[1],))
    far = keras.ops.sum(keras.ops.abs(inputs - X[row]), axis=-1, keepdims=True)
    wrong = keras.ops.where(far < 1e-6, value, 0.0)
    return keras.Model(inputs, reads_teacher()(inputs) + wrong)


def compiled(**options):
    distiller = Distiller(student=reads_student(), temperature=3, **options)
    distiller.compile(keras.optimizers.SGD(0.1), SPARSE, jit_compile=False)
    return distiller


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_live_teacher_without_numbers_stops_training(value):
    distiller = compiled(teacher=breaks_on(1, value))
    before = [np.array(weight) for weight in distiller.student.get_weights()]
    data = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(1)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        distiller.fit(data, verbose=0)
    # The first batch is good, the second is not: one update was made.
    assert "in the batch after update] [1] [for its rows] [0]" in str(error.value)
    after = distiller.student.get_weights()
    assert all(np.isfinite(weight).all() for weight in after)
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


def test_cached_logits_without_numbers_stop_training_and_evaluation():
    logits = np.array(reads_teacher()(X))
    logits[-1, 0] = np.nan
    y = {"labels": LABELS, "teacher_logits": logits}
    rows = rf"for its rows\] \[{len(X) - 1}\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=rows):
        compiled().fit(X, y, batch_size=len(X), shuffle=False, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rows):
        compiled().evaluate(X, y, batch_size=len(X), verbose=0)


def test_on_replicas():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        distiller = compiled(teacher=breaks_on(0, np.nan))
    with pytest.raises(tf.errors.InvalidArgumentError, match="gives NaN or Inf"):
        distiller.fit(X, LABELS, verbose=0)


# Logits of 0.2 and 3 are class 1, those of -1 and -0.1 class 0.
LOGITS = np.array([[0.2], [3.0], [-1.0], [-0.1]], np.float32)
BINARY = keras.losses.BinaryCrossentropy(from_logits=True)


@pytest.mark.parametrize("name", ["accuracy", "acc", "binary_accuracy"])
def test_accuracy_of_a_sigmoid_cuts_logits_at_0(name):
    student = linear(np.eye(1))
    distiller = Distiller(student=student, teacher=linear(np.eye(1)), head="sigmoid")
    distiller.compile(
        keras.optimizers.SGD(0.0), BINARY, metrics=[name], weighted_metrics=[name]
    )
    labels = np.array([[1], [1], [0], [1]])
    logs = distiller.evaluate(LOGITS, labels, verbose=0, return_dict=True)
    assert logs[name] == pytest.approx(3 / 4)


def test_accuracy_of_several_labels_is_that_of_each():
    student = linear(np.eye(2))
    distiller = Distiller(student=student, teacher=linear(np.eye(2)), head="sigmoid")
    distiller.compile(keras.optimizers.SGD(0.0), BINARY, metrics=["accuracy"])
    x = np.array([[0.2, 3], [-1, -0.1]], np.float32)
    # Three of four labels are right; the highest is so in one of two examples.
    logs = distiller.evaluate(x, np.array([[1, 1], [0, 1]]), verbose=0, return_dict=1)
    assert logs["accuracy"] == pytest.approx(3 / 4)


def test_accuracy_at_half_is_refused():
    student = linear(np.eye(1))
    distiller = Distiller(student=student, teacher=linear(np.eye(1)), head="sigmoid")
    with pytest.raises(ValueError, match=r"BinaryAccuracy cuts at 0\.5"):
        distiller.compile("sgd", BINARY, metrics=[keras.metrics.BinaryAccuracy()])
    at_zero = keras.metrics.BinaryAccuracy(threshold=0.0)
    distiller.compile("sgd", BINARY, metrics=[at_zero])
