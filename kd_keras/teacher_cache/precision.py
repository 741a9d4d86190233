"""A teacher that computes in fewer bits while its cache is made."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from kd_keras.keras_internals import is_functional, layer_behind, layers_in

# The second is faster where a processor has AMX.
PRECISIONS = ("float32", "bfloat16")


@contextlib.contextmanager
def computing_in(precision: str, teacher: Any) -> Iterator[None]:
    """Within it the layers compute in this precision, but for that of the output.

    Weights stay float32.

    Raises:
      ValueError: for another precision, or a teacher that is no Functional or
        Sequential model and is to compute in bfloat16.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` must be one of {PRECISIONS}. Received: {precision!r}."
        )
    if precision == "float32":
        yield
        return
    if not isinstance(teacher, keras.Model) or not (
        isinstance(teacher, keras.Sequential) or is_functional(teacher)
    ):
        raise ValueError(
            "`precision` must be 'float32' for a teacher that is no Functional or "
            f"Sequential model. Received: {precision!r}, {type(teacher).__name__}."
        )
    last = layer_behind(keras.tree.flatten(teacher.outputs)[0])
    layers = [layer for layer in _inner(teacher) if layer is not last]
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = keras.DTypePolicy(f"mixed_{precision}")
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def _inner(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    for inner in layers_in(layer):
        yield inner
        yield from _inner(inner)
