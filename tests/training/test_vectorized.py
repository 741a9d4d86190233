"""What is mapped over members is what each of them gives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.training.vectorized import vectorized_map

VALUES = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")


@pytest.mark.parametrize("axis", [0, 1])
def test_the_highest_of_each_member(axis):
    found = vectorized_map(lambda x: keras.ops.argmax(x, axis=axis), VALUES)
    np.testing.assert_array_equal(found, VALUES.argmax(axis + 1))


def test_the_bits_of_each_member():
    found = vectorized_map(lambda x: tf.bitcast(x, tf.int32), VALUES)
    np.testing.assert_array_equal(found, VALUES.view("int32"))
