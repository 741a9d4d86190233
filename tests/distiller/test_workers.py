"""The steps of several workers, with this process alone in their place."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import strategy
from kd_keras.distiller.workers import MultiWorkerModel

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 2)).astype("float32"), RNG.normal(size=(10, 1))


class Net(MultiWorkerModel):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1, kernel_initializer="ones")

    def call(self, inputs):
        return self.dense(inputs)


def compiled():
    model = Net()
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"], jit_compile=False)
    return model


@pytest.fixture(params=[False, True], ids=["one device", "workers"])
def has_workers(request, monkeypatch):
    monkeypatch.setattr(strategy, "has_workers", lambda of: request.param)
    return request.param


def test_a_fit_is_gradient_descent(has_workers):
    model = compiled()
    history = model.fit(X, Y, batch_size=5, shuffle=False, verbose=0).history
    kernel, bias, squares, distances = np.ones((2, 1)), 0.0, [], []
    for x, y in ((X[:5], Y[:5]), (X[5:], Y[5:])):
        error = x @ kernel + bias - y
        squares.append((error**2).mean())
        distances.append(np.abs(error).mean())
        kernel = kernel - 0.1 * 2 * x.T @ error / 5
        bias = bias - 0.1 * 2 * error.mean()
    np.testing.assert_allclose(model.dense.kernel, kernel, rtol=1e-5)
    assert history["loss"] == [pytest.approx(np.mean(squares), rel=1e-5)]
    assert history["mae"] == [pytest.approx(np.mean(distances), rel=1e-5)]
    error = X @ kernel + bias - Y
    measured = model.evaluate(X, Y, batch_size=4, return_dict=True, verbose=0)
    assert measured["loss"] == pytest.approx((error**2).mean(), rel=1e-5)
    assert measured["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)


@pytest.mark.parametrize("kind", ["train", "test"])
def test_a_function_is_made_once_unless_it_must_be_made_anew(has_workers, kind):
    model = compiled()

    def made(**options):
        getattr(model, f"make_{kind}_function")(**options)
        return getattr(model, f"{kind}_function")

    first = made()
    assert first is not None
    assert made() is first
    assert made(force=True) is not first


def test_the_first_batch_is_that_of_one_worker(has_workers):
    model, batch = compiled(), (X, Y)
    batches = iter(tf.data.Dataset.from_tensor_slices(batch).batch(4))
    found = model.first_batch([(0, 0, batches)], None)
    if not has_workers:
        assert found is None
        assert model.first_batch(None, batch) is None
        return
    np.testing.assert_array_equal(found[0], X[:4])
    assert model.first_batch(None, batch) is batch


def test_batches_of_any_size_share_a_graph(monkeypatch):
    monkeypatch.setattr(strategy, "has_workers", lambda of: True)
    model = compiled()
    model.evaluate(X, Y, verbose=0)
    model.make_test_function(force=True)
    data = tf.data.Dataset.from_tensor_slices((X, Y))
    for size in (5, 4, 3, 2):
        model.test_function(iter(data.batch(size, drop_remainder=True)))
    # One of the first size, and one of all others.
    assert model.test_function.experimental_get_tracing_count() == 2
