"""A teacher that computes in fewer bits while its cache is made."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from kd_keras.keras_internals import is_functional, layers_in

# The second is faster where a processor has AMX.
PRECISIONS = ("float32", "bfloat16")


# What makes numbers of raw ones: years in bfloat16 are decades.
_OF_RAW = (
    keras.layers.Normalization,
    keras.layers.Discretization,
    keras.layers.Rescaling,
    keras.layers.Concatenate,
)


@contextlib.contextmanager
def computing_in(precision: str, teacher: Any) -> Iterator[None]:
    """Within it the layers compute in this precision.

    Those that may read raw numbers, and the last one with weights, compute in float32,
    as the weights are.

    Raises:
      ValueError: for another precision, or a teacher that is no Functional or
        Sequential model of images or texts and is to compute in bfloat16.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"`precision` must be one of {PRECISIONS}. Received: {precision!r}."
        )
    if precision == "float32":
        yield
        return
    layers = _layers(teacher, precision)
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = keras.DTypePolicy(f"mixed_{precision}")
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def _layers(teacher: Any, precision: str) -> list[keras.layers.Layer]:
    """The layers that may compute in fewer bits."""
    graph = isinstance(teacher, keras.Model) and (
        isinstance(teacher, keras.Sequential) or is_functional(teacher)
    )
    if not graph or any(len(x.shape) < 2 for x in keras.tree.flatten(teacher.inputs)):
        raise ValueError(
            "`precision` must be 'float32' for a teacher that is no Functional or "
            "Sequential model, or that takes single numbers, which bfloat16 would "
            f"round. Received: {precision!r}, {type(teacher).__name__}."
        )
    inner = list(_inner(teacher))
    with_weights = [layer for layer in inner if layer.weights and not layers_in(layer)]
    last = with_weights[-1:]
    return [
        layer
        for layer in inner
        if not _reads_raw(layer) and not any(layer is one for one in last)
    ]


def _reads_raw(layer: keras.layers.Layer) -> bool:
    # A batch normalization of vectors may be the first layer of a table's model.
    is_first = isinstance(layer, keras.layers.BatchNormalization)
    return isinstance(layer, _OF_RAW) or (is_first and layer.input_spec.ndim == 2)


def _inner(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    for inner in layers_in(layer):
        yield inner
        yield from _inner(inner)
