"""The rows of embeddings that examples read, and how they are found there."""

import contextlib

import keras
import numpy as np
import pytest

from kd_keras.training.embedding_rows import looked_up, rows_read

EXAMPLES = [[np.array([[7, 3], [3, 3]])], [np.array([[8, 0]])]]


class Later(keras.layers.Layer):
    """Adds 1 unless it is told that it does not train."""

    def call(self, x, training=True):
        return x + 1 if training else x


def embedding(**options):
    return keras.layers.Embedding(10, 2, **options)


def model(layer, indices=lambda ids: ids):
    ids = keras.Input((2,), dtype="int32")
    return keras.Model(ids, layer(indices(ids)))


@pytest.mark.parametrize("indices", [lambda ids: ids, Later()], ids=["", "layer"])
def test_the_rows_of_all_examples_in_rising_order(indices):
    layer = embedding()
    found = rows_read(model(layer, indices), iter(EXAMPLES))
    assert list(found) == [id(layer.embeddings)]
    (read,) = found.values()
    assert read.layer is layer
    assert read.rows.tolist() == [0, 3, 7, 8]
    assert (len(read.places), read.places.dtype) == (10, np.int64)
    assert read.places[read.rows].tolist() == [0, 1, 2, 3]


def test_of_two_embeddings_each_has_its_own_rows():
    first, second = embedding(), embedding(embeddings_regularizer="l2")
    third = keras.layers.Embedding(5, 3)
    a, b = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    joined = keras.layers.Concatenate()([first(a), second(a), third(b)])
    examples = [[np.array([4, 9]), np.array([1, 1])]]
    found = rows_read(keras.Model([a, b], joined), examples)
    rows = {key: read.rows.tolist() for key, read in found.items()}
    assert rows == {id(first.embeddings): [4, 9], id(third.embeddings): [1]}


def called_twice():
    layer = embedding()
    a, b = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
    return keras.Model([a, b], layer(a) + layer(b))


def learned(ids):
    scaled = keras.layers.Dense(2, kernel_initializer="identity")(ids)
    return keras.ops.cast(scaled, "int32")


@pytest.mark.parametrize(
    "make",
    [
        lambda: model(embedding(embeddings_regularizer="l2")),
        lambda: model(embedding(embeddings_constraint="non_neg")),
        lambda: model(embedding(), learned),
        lambda: model(embedding(embeddings_constraint="non_neg"), learned),
        called_twice,
    ],
    ids=["regularizer", "constraint", "learned indices", "both", "two calls"],
)
def test_where_other_rows_matter_nothing_is_read(make):
    made = make()
    examples = [[np.array([1]), np.array([2])]] if len(made.inputs) > 1 else EXAMPLES
    assert rows_read(made, examples) == {}


def test_of_a_model_that_is_not_functional_nothing_is_known():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = embedding()

        def call(self, x):
            return self.layer(x)

    own = Own()
    own(EXAMPLES[0][0])
    assert rows_read(own, EXAMPLES) == {}


def test_a_row_is_looked_up_among_those_that_are_read():
    layer = embedding()
    made = model(layer)
    whole = np.arange(20.0).reshape(10, 2)
    layer.set_weights([whole])
    found = rows_read(made, EXAMPLES)
    held = whole[[0, 3, 7, 8]]
    # It ends by an error, behind which the layer is as it was.
    with (
        contextlib.suppress(InterruptedError),
        looked_up(found.values()),
        keras.StatelessScope() as scope,
    ):
        scope.add_update((layer.embeddings, held))
        np.testing.assert_array_equal(made(EXAMPLES[0][0]), whole[EXAMPLES[0][0]])
        raise InterruptedError
    np.testing.assert_array_equal(made(EXAMPLES[1][0]), whole[EXAMPLES[1][0]])
