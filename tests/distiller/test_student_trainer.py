"""Calling a trainer means its student, in training as in evaluation."""

import keras
import numpy as np
import pytest

from kd_keras.distiller import Distiller
from kd_keras.distiller.supervised import Supervised

X = np.ones((4, 50), "float32")
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Trained(keras.layers.Layer):
    """Says whether it is called in training: logits 0 and 0, or 0 and 3."""

    def call(self, x, training=False):
        return keras.ops.stack([0 * x[:, 0], x[:, 0] * (0 if training else 3)], -1)


def student():
    return keras.Sequential([keras.Input((50,)), Trained(), keras.layers.Dense(2)])


@pytest.mark.parametrize("trainer", [Supervised, lambda s: Distiller(student=s)])
@pytest.mark.parametrize("training", [True, False])
def test_a_trainer_is_called_as_its_student(trainer, training):
    trained = student()
    # Also without what a model's own __call__ says to its layers.
    found = trainer(trained).call(X, training=training)
    np.testing.assert_array_equal(found, trained(X, training=training))
    other = trained(X, training=not training)
    assert np.abs(np.asarray(found) - np.asarray(other)).max() > 0.01


def test_evaluation_is_not_training():
    # Of logits 0 and 0 the loss is log 2; of 0 and 3, with class 1, log(1 + exp(-3)).
    inputs = keras.Input((50,))
    trainer = Supervised(keras.Model(inputs, Trained()(inputs)))
    trainer.compile("sgd", SPARSE)
    labels = np.ones(4, int)
    assert trainer.test_on_batch(X, labels) == pytest.approx(np.log1p(np.exp(-3)))
    trainer = Supervised(student())
    trainer.student.layers[-1].kernel.assign(np.eye(2))
    trainer.compile(keras.optimizers.SGD(0.0), SPARSE)
    assert trainer.train_on_batch(X, labels) == pytest.approx(np.log(2))
