"""Sums over chunks of positions and their gradients, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distiller.chunks import part_of_time, sum_over_chunks

RNG = np.random.default_rng(0)
# `[batch, time, width]` of three sizes.
HIDDEN = RNG.normal(size=(2, 6, 3)).astype("float32")
SCALES, UNREAD = RNG.normal(size=3).astype("float32"), np.ones(4, "float32")
TIME = np.arange(6.0)[:, None]


@pytest.mark.parametrize("run", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 6])
def test_sums_and_gradients_are_those_of_all_positions(chunk, run):
    shapes = []

    def sums(first, states, values):
        shapes.append(states.shape.as_list())
        time = tf.cast(first + tf.range(chunk), tf.float32)[:, None]
        squares = time * states**2 * values[0]
        return tf.stack([tf.reduce_sum(squares), tf.reduce_sum(states)])

    @run
    def summed(hidden, scales, unread):
        with tf.GradientTape() as tape:
            tape.watch([hidden, scales, unread])
            found = sum_over_chunks(sums, hidden, [scales, unread], chunk, 2)
            # Each sum has a factor of its own.
            loss = 2 * found[0] + 3 * found[1]
        return found, tape.gradient(loss, [hidden, scales, unread])

    found, gradients = summed(*map(tf.constant, (HIDDEN, SCALES, UNREAD)))
    squares = TIME * HIDDEN.astype("float64") ** 2
    np.testing.assert_allclose(
        found, [(squares * SCALES).sum(), HIDDEN.sum()], rtol=1e-5
    )
    for one, expected in zip(
        gradients,
        (
            2 * TIME * 2 * HIDDEN * SCALES + 3,
            2 * squares.sum((0, 1)),
            np.zeros(4),
        ),
        strict=True,
    ):
        np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6)
    assert {tuple(shape) for shape in shapes} == {(2, chunk, 3)}


def test_no_positions_sum_to_nothing():
    found = sum_over_chunks(lambda *_: tf.ones(2), tf.zeros((2, 0, 3)), [], 4, 2)
    np.testing.assert_array_equal(found, [0, 0])


@pytest.mark.parametrize("rank", [2, 3, 4])
def test_a_part_of_the_time(rank):
    tensor = RNG.normal(size=(3, 5, 2, 4)[:rank])
    part = part_of_time(tf.constant(tensor), tf.constant(1), 3)
    np.testing.assert_array_equal(part, tensor[:, 1:4])

    @tf.function(input_signature=[tf.TensorSpec((None, *tensor.shape[1:]), tf.float64)])
    def traced(given):
        part = part_of_time(given, tf.constant(1), 3)
        assert part.shape.as_list() == [None, 3, *tensor.shape[2:]]
        return part

    np.testing.assert_array_equal(traced(tensor), tensor[:, 1:4])
