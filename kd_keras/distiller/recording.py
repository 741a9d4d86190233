"""The outputs of layers, recorded while a model of any kind runs."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras

from kd_keras.keras_internals import layers_in, replace_call


@dataclasses.dataclass
class _Patch:
    """What a layer's own call was before, and how many recordings use the patch."""

    before: Callable | None
    users: int = 1


_recording = threading.local()
_patches: dict[int, _Patch] = {}


def find_layer(model: keras.Model, path: str, argument: str) -> keras.layers.Layer:
    """The layer at a path of names below a model.

    Args:
      model: `keras.Model`.
      path: layer names joined by "/", from the outermost to the layer.
      argument: name of the path in error messages.

    Returns:
      `keras.layers.Layer`.

    Raises:
      ValueError: if there is no such layer.
    """
    layer = model
    for name in path.split("/"):
        children = {child.name: child for child in layers_in(layer)}
        if name not in children:
            raise ValueError(
                f"`{argument}` must name a layer of {model.name!r}. Received: "
                f"{path!r}, but {layer.name!r} has the layers {sorted(children)}. "
                "Join the names of nested layers by '/'."
            )
        layer = children[name]
    return layer


@contextlib.contextmanager
def record_outputs(layers: Sequence[keras.layers.Layer]) -> Iterator[list]:
    """Records what layers return while a model runs, in any kind of model.

    Args:
      layers: list of `keras.layers.Layer`s.

    Yields:
      List that holds, after the block, the output of each layer's last call.
    """
    outputs: list = []
    if not layers:
        yield outputs
        return
    recorded: dict[int, Any] = {}
    previous = getattr(_recording, "recorded", None)
    _recording.recorded = recorded
    for layer in layers:
        _patch(layer)
    try:
        yield outputs
    finally:
        for layer in layers:
            _unpatch(layer)
        _recording.recorded = previous
        outputs.extend(recorded.get(id(layer)) for layer in layers)


# Replicas trace in threads of their own that take turns inside a forward pass, so
# a layer stays patched until the last of them has left.
def _patch(layer: keras.layers.Layer) -> None:
    if id(layer) in _patches:
        _patches[id(layer)].users += 1
        return
    call = layer.call

    def recording_call(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        recorded = getattr(_recording, "recorded", None)
        if recorded is not None:
            recorded[id(layer)] = result
        return result

    _patches[id(layer)] = _Patch(replace_call(layer, recording_call))


def _unpatch(layer: keras.layers.Layer) -> None:
    patch = _patches[id(layer)]
    patch.users -= 1
    if not patch.users:
        del _patches[id(layer)]
        replace_call(layer, patch.before)
