"""A model that is trained on labels alone, as its own `fit` does."""

import keras
import numpy as np
import pytest

from kd_keras.distiller.supervised import Supervised

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 4)).astype("float32"), RNG.integers(0, 3, 10)
WEIGHTS = RNG.uniform(0.2, 3.0, 10).astype("float32")
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network():
    """With a layer that adds a loss, and one that differs in training."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(
        5,
        kernel_initializer=keras.initializers.GlorotUniform(1),
        kernel_regularizer=keras.regularizers.L2(0.1),
    )(inputs)
    hidden = keras.layers.BatchNormalization()(hidden)
    initializer = keras.initializers.GlorotUniform(2)
    return keras.Model(
        inputs, keras.layers.Dense(3, kernel_initializer=initializer)(hidden)
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_it_trains_and_measures_as_the_model_itself(weights):
    logs, ends = [], []
    for wrapped in (False, True):
        student = network()
        model = Supervised(student) if wrapped else student
        model.compile(
            keras.optimizers.SGD(0.1), SPARSE, loss_weights=2.0, metrics=["accuracy"]
        )
        # The last batch is of 2.
        history = model.fit(
            X,
            Y,
            sample_weight=weights,
            batch_size=4,
            epochs=2,
            shuffle=False,
            verbose=0,
        ).history
        measured = model.evaluate(
            X, Y, sample_weight=weights, batch_size=4, return_dict=True, verbose=0
        )
        logs.append([*history["accuracy"], measured["accuracy"], measured["loss"]])
        ends.append(student.get_weights())
    np.testing.assert_allclose(*logs, rtol=1e-5)
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_it_has_the_name_and_the_dtype_of_what_it_trains():
    policy = keras.DTypePolicy("mixed_bfloat16")
    student = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    assert Supervised(student).name == "supervised"
    assert Supervised(student).dtype_policy.name == "float32"
    student.dtype_policy = policy
    assert Supervised(student).dtype_policy.name == "mixed_bfloat16"
    functional = network()
    assert Supervised(functional).output_names == functional.output_names


def test_a_sequential_model_is_trained():
    student = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    before = student.get_weights()[0]
    model = Supervised(student)
    model.compile(keras.optimizers.SGD(0.1), SPARSE)
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(student.get_weights()[0], before)
