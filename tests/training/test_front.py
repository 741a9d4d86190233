"""A model in two parts: what hashes its inputs, and the rest."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from kd_keras.training.front import split_front

TABLE = {
    "number": tf.TensorSpec((), tf.float32),
    "word": tf.TensorSpec((), tf.string),
    "words": tf.TensorSpec((2,), tf.string),
    "code": tf.TensorSpec((), tf.int64),
}
SCALARS = {name: spec for name, spec in TABLE.items() if name != "words"}
ROWS = {
    "number": tf.constant([0.5, -2.0, 3.0]),
    "word": tf.constant(["a", "b", "a"]),
    "words": tf.constant([["x", ""], ["y", "x"], ["", ""]]),
    "code": tf.constant([7, 7, 1], tf.int64),
}


@pytest.mark.parametrize(
    ("name", "features"), [("mlp", TABLE), ("wide_and_deep", SCALARS)]
)
def test_both_parts_are_the_model(name, features):
    model = models.build(name, features, 3, hidden_units=(4,))
    rows = {key: ROWS[key] for key in features}
    front, back = split_front(model)
    np.testing.assert_array_equal(back(front(rows)), model(rows))
    assert not front.variables
    assert {id(v) for v in back.variables} == {id(v) for v in model.variables}
    assert "string" not in [x.dtype for x in back.inputs]


def test_a_model_that_hashes_nothing_stays_whole():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert split_front(model) == (None, model)


def test_a_model_whose_only_input_is_hashed():
    word = keras.Input((), dtype="string")
    code = keras.layers.Hashing(5)(word)
    model = keras.Model(word, keras.layers.Embedding(5, 2)(code))
    front, back = split_front(model)
    assert front(ROWS["word"])[0].dtype == "int64"
    np.testing.assert_array_equal(back(front(ROWS["word"])), model(ROWS["word"]))


def test_a_layer_that_hashes_two_inputs_stays_where_it_is():
    hashing = keras.layers.Hashing(5)
    words = [keras.Input((), dtype="string") for _ in range(2)]
    model = keras.Model(words, hashing(words[0]) + hashing(words[1]))
    assert split_front(model) == (None, model)
