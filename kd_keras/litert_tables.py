"""Models of categories for LiteRT, which has no operation that hashes a string.

A category becomes its place in a vocabulary, and what the hashing layers make of it a
table that is looked up.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kd_keras.keras_internals import inputs_of_calls, layer_behind

# What makes integers of categories, and is replaced.
LOOKUPS = (
    keras.layers.Hashing,
    keras.layers.HashedCrossing,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
)
# The first value of every vocabulary stands for all that is not in it.
UNKNOWN, UNKNOWN_NUMBER = "[unknown]", -1
MOST = 10_000
MOST_PAIRS = 1_000_000

Vocabulary = Mapping[str, Sequence[Any]]


def categories(model: keras.Model) -> list[str]:
    """The inputs of a model that go into hashing and lookup layers alone.

    Args:
      model: a graph of layers, with a dict of inputs or one.
    """
    looked_up: set[str] = set()
    others: set[str] = set()
    for operation in getattr(model, "operations", []):
        if isinstance(operation, keras.layers.InputLayer):
            continue
        for tensors in inputs_of_calls(operation):
            sources = [layer_behind(tensor) for tensor in tensors]
            names = {s.name for s in sources if isinstance(s, keras.layers.InputLayer)}
            (looked_up if isinstance(operation, LOOKUPS) else others).update(names)
    return sorted(looked_up - others)


def vocabulary(
    names: Iterable[str], examples: Iterable[Mapping[str, np.ndarray]]
) -> dict[str, list[Any]]:
    """The values of categories in training examples, sorted.

    Args:
      names: features that are categories.
      examples: each feature name -> `[batch]`, strings as bytes, or integers.

    Returns:
      Feature -> its values, behind one that stands for all others.

    Raises:
      ValueError: if a feature has so many values that it is no category.
    """
    found: dict[str, set[Any]] = {name: set() for name in names}
    for batch in examples:
        for name, values in found.items():
            values.update(map(_plain, batch[name].tolist()))
            if len(values) > MOST:
                raise ValueError(
                    f"The feature {name!r} has more than {MOST} values, and LiteRT has "
                    "no operation that hashes or cuts a text. Serve it as a SavedModel."
                )
    return {name: [_unknown(values), *sorted(values)] for name, values in found.items()}


def indices(
    vocabulary: Vocabulary, features: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Features `[batch]` with categories as int32 places in their vocabulary."""
    found = dict(features)
    for name, values in vocabulary.items():
        place = {value: i for i, value in enumerate(values)}
        given = map(_plain, features[name].tolist())
        found[name] = np.array([place.get(value, 0) for value in given], np.int32)
    return found


def without_lookups(model: keras.Model, vocabulary: Vocabulary) -> keras.Model:
    """The same model on places in a vocabulary.

    Args:
      model: a graph of layers, with a dict of inputs.
      vocabulary: of all its `categories`.

    Returns:
      A model whose inputs in the vocabulary are int32 `[batch]`.

    Raises:
      ValueError: if the vocabularies of two features that are crossed are too large.
    """
    inputs = {
        name: keras.Input((), name=name, dtype="int32")
        if name in vocabulary
        else keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype)
        for name, tensor in model.input.items()
    }

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(layer, LOOKUPS):
            return layer(*args, **kwargs)
        places = keras.tree.flatten(args)
        words = [vocabulary[layer_behind(place).name] for place in places]
        return _LookedUp(_table(layer, words), [len(w) for w in words])(places)

    return keras.models.clone_model(
        model, input_tensors=inputs, call_function=call, clone_function=_same
    )


class _LookedUp(keras.layers.Layer):
    """What a table has for the places of one or of two features."""

    def __init__(self, table: np.ndarray, sizes: Sequence[int]):
        super().__init__()
        self.table = table
        self.sizes = sizes

    def call(self, places: Sequence[Any]) -> Any:
        place = places[0]
        for other, size in zip(places[1:], self.sizes[1:], strict=True):
            place = place * size + other
        return ops.take(ops.convert_to_tensor(self.table), place, axis=0)


def _same(layer: keras.layers.Layer) -> keras.layers.Layer:
    # Layers keep their weights: the clone is only converted.
    return layer


def _table(layer: Any, words: Sequence[Sequence[Any]]) -> np.ndarray:
    pairs = int(np.prod([len(w) for w in words]))
    if pairs > MOST_PAIRS:
        raise ValueError(
            f"The layer {layer.name!r} crosses {pairs} pairs of values, and LiteRT "
            f"looks up {MOST_PAIRS} at most. Serve it as a SavedModel."
        )
    columns = [
        ops.convert_to_tensor(list(c))
        for c in zip(*itertools.product(*words), strict=True)
    ]
    found = np.asarray(layer(columns[0] if len(columns) == 1 else tuple(columns)))
    return found.astype(np.int32) if found.dtype.kind in "iu" else found


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _unknown(values: set[Any]) -> Any:
    return UNKNOWN if any(isinstance(v, str) for v in values) else UNKNOWN_NUMBER
