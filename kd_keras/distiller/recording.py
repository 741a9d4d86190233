"""The outputs of layers, recorded while a model of any kind runs."""

import contextlib
import threading

_recording = threading.local()
_patched: dict[int, int] = {}


def find_layer(model, path, argument):
    """The layer at a path of names below a model.

    Args:
        model: `keras.Model`.
        path: Layer names joined by "/", from the outermost to the layer.
        argument: Name of the path in error messages.

    Returns:
        `keras.layers.Layer`.

    Raises:
        ValueError: If there is no such layer.
    """
    layer = model
    for name in path.split("/"):
        children = {
            child.name: child
            for child in layer._flatten_layers(include_self=False, recursive=False)
        }
        if name not in children:
            raise ValueError(
                f"`{argument}` must name a layer of {model.name!r}. Received: "
                f"{path!r}, but {layer.name!r} has the layers {sorted(children)}. "
                "Join the names of nested layers by '/'."
            )
        layer = children[name]
    return layer


@contextlib.contextmanager
def record_outputs(layers):
    """Records what layers return while a model runs, in any kind of model.

    Args:
        layers: List of `keras.layers.Layer`s.

    Yields:
        List that holds, after the block, the output of each layer's last call.
    """
    outputs: list = []
    if not layers:
        yield outputs
        return
    recorded: dict = {}
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
def _patch(layer):
    _patched[id(layer)] = _patched.get(id(layer), 0) + 1
    if _patched[id(layer)] > 1:
        return
    call = layer.call

    def recording_call(*args, **kwargs):
        result = call(*args, **kwargs)
        recorded = getattr(_recording, "recorded", None)
        if recorded is not None:
            recorded[id(layer)] = result
        return result

    object.__setattr__(layer, "call", recording_call)


def _unpatch(layer):
    _patched[id(layer)] -= 1
    if not _patched[id(layer)]:
        del _patched[id(layer)]
        object.__delattr__(layer, "call")
