"""The rows of embeddings that a data set reads."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from kd_keras.keras_internals import inputs_of_calls, is_functional, replace_call


class Read(NamedTuple):
    """An embedding, and which of its rows are read.

    Attributes:
      layer: the embedding.
      rows: their numbers, in rising order.
      places: row -> where it is in `rows`; int64, as many as the layer has.
    """

    layer: keras.layers.Embedding
    rows: np.ndarray
    places: np.ndarray


def rows_read(model: keras.Model, examples: Iterable[Any]) -> dict[int, Read]:
    """Which rows of a functional model's embeddings matter for these examples.

    Only embeddings are looked at whose indices depend on the inputs alone, and whose
    other rows get no gradient.

    Args:
      model: the model.
      examples: what it is called with.

    Returns:
      `id` of an embedding's variable -> what is read of it.
    """
    examples = list(examples)
    found = {}
    for layer in model.layers if is_functional(model) else ():
        calls = inputs_of_calls(layer, model)
        if not isinstance(layer, keras.layers.Embedding) or len(calls) != 1:
            continue
        indices = keras.Model(model.inputs, calls[0][0])
        free = (
            layer.embeddings_regularizer is None and layer.embeddings.constraint is None
        )
        if free and not indices.variables:
            read = [np.unique(indices(x, training=False)) for x in examples]
            rows = np.unique(np.concatenate(read))
            places = np.zeros(layer.input_dim, np.int64)
            places[rows] = np.arange(len(rows))
            found[id(layer.embeddings)] = Read(layer, rows, places)
    return found


@contextlib.contextmanager
def looked_up(embeddings: Iterable[Read]) -> Iterator[None]:
    """Has each layer look for a row where it is among those that are read."""
    replaced = []
    for layer, _, places in embeddings:
        call = functools.partial(_look_up, layer.call, tf.constant(places))
        replaced.append((layer, replace_call(layer, call)))
    try:
        yield
    finally:
        for layer, before in replaced:
            replace_call(layer, before)


def _look_up(call: Callable, places: tf.Tensor, indices: Any) -> Any:
    return call(tf.gather(places, indices))
