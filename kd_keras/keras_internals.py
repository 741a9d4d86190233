"""What kd_keras uses of Keras beyond its public interface: all of it is here.

tests/test_keras_internals.py checks every piece against the installed Keras, so that
an upgrade that changes one fails there.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf
from keras.src import backend
from keras.src.models.functional import Functional


def mask_of(tensor: tf.Tensor) -> tf.Tensor | None:
    """The mask that a layer or a loss has attached to its output, or None."""
    # Keras hands masks on as an attribute of the tensor, which it has no function for.
    return getattr(tensor, "_keras_mask", None)


def set_mask(tensor: tf.Tensor, mask: tf.Tensor) -> None:
    """Attaches a mask to an output, for metrics to read."""
    backend.set_keras_mask(tensor, mask)


def layers_in(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers directly inside a layer or model."""
    # Only models have the public `layers`; a layer may hold layers as well.
    return layer._flatten_layers(include_self=False, recursive=False)


# Layers and functions that hand on the values that they get, in another shape.
_HANDING_ON = {
    *("Cast", "Dropout", "ExpandDims", "Flatten", "GetItem", "Identity", "Permute"),
    *("Ravel", "Reshape", "Squeeze", "Transpose", "ActivityRegularization"),
}


def layer_behind(output: keras.KerasTensor) -> Any:
    """The layer or function of `keras.ops` that gave a symbolic tensor."""
    # The way back from an output to its layer is not public.
    return output._keras_history.operation


def call_behind(
    output: keras.KerasTensor,
) -> tuple[Any, keras.KerasTensor, dict[str, Any]]:
    """The layer that gave a symbolic tensor, its first input, its keyword arguments."""
    # The way back from an output to its layer is not public.
    history = output._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    return history.operation, node.input_tensors[0], dict(node.arguments.kwargs)


def unread_inputs(model: keras.Model) -> list[str]:
    """Names of the inputs of a model with a dict of inputs that no layer reads.

    None of a subclass, whose own `call` may read them.
    """
    # The class has no public name.
    if type(model) is not Functional or not isinstance(model.input, dict):
        return []
    calls = (inputs_of_calls(operation, model) for operation in model.operations)
    read = {id(tensor) for of_one in calls for call in of_one for tensor in call}
    return [name for name, x in model.input.items() if id(x) not in read]


def is_functional(model: keras.Model) -> bool:
    """Whether a model is a graph of layers; one in a subclass counts too."""
    # The class has no public name.
    return isinstance(model, Functional)


def inputs_of_calls(
    layer: keras.layers.Layer, model: keras.Model | None = None
) -> list[list[keras.KerasTensor]]:
    """The symbolic tensors that a layer, or a model in a graph, took in each call.

    With a functional `model` only the calls in its graph count.
    """
    # The way back from an output to its layer is not public.
    nodes = layer._inbound_nodes
    if model is not None:
        depths = model._nodes_by_depth.values()
        inside = {id(node) for nodes in depths for node in nodes}
        nodes = [node for node in nodes if id(node) in inside]
    return [list(node.input_tensors) for node in nodes]


def operation_behind(output: keras.KerasTensor) -> Any:
    """The layer or function of `keras.ops` that gave a symbolic tensor its values.

    What hands values on in another shape is looked through, and so are models that are
    layers of others.
    """
    # The way back from an output to its layer is not public.
    history = output._keras_history
    operation = history.operation
    if isinstance(operation, keras.Model) and getattr(operation, "outputs", None):
        return operation_behind(operation.outputs[history.tensor_index])
    handing_on = type(operation).__name__ in _HANDING_ON or (
        isinstance(operation, keras.layers.Activation)
        and operation.activation is keras.activations.linear
    )
    if handing_on:
        node = operation._inbound_nodes[history.node_index]
        return operation_behind(node.input_tensors[0])
    return operation


def symbolic_outputs(function: Callable, inputs: Any) -> Any:
    """What a function returns for symbolic inputs, without computing it."""
    # In public only layers and models can be run so, not a function of several.
    return backend.compute_output_spec(function, inputs)


def replace_call(layer: keras.layers.Layer, call: Callable | None) -> Callable | None:
    """Runs `call` in the place of a layer's own, None being that of its class.

    Returns:
      What was in the place before, to be put back.
    """
    # `Layer.__call__` looks `call` up on the instance, so that one layer can be changed
    # without a subclass, which would be saved as another layer.
    before = vars(layer).get("call")
    if call is not None:
        object.__setattr__(layer, "call", call)
    elif before is not None:
        object.__delattr__(layer, "call")
    return before


def loss_tracker(model: keras.Model) -> keras.metrics.Mean:
    """The metric "loss" of a compiled model."""
    # A train_step of one's own has to update it; there is no public name for it.
    return model._loss_tracker


def forget_compiled_loss(model: keras.Model) -> None:
    """Keeps Keras from building the compiled loss, which nothing will call."""
    # Under a strategy Keras builds it on y, whose structure it need not understand.
    model._compile_loss = None


def is_unbuilt(metric: keras.metrics.Metric, model: keras.Model) -> bool:
    """Whether it holds the compiled metrics of a model that has seen no labels yet."""
    # Without labels they are never built, and their result would be an error.
    return metric is model._compile_metrics and not metric.built


def let_steps_go(optimizer: keras.Optimizer) -> None:
    """Keeps TensorFlow from holding on to every step that an optimizer was traced in.

    An optimizer sums its gradients over the replicas, also over a single one.
    TensorFlow registers the gradient of each such sum for the life of the process, and
    with it the step and all of its graph: megabytes for every model that was trained.
    """
    while optimizer is not None:
        plain = type(optimizer)._all_reduce_sum_gradients
        sum_over = functools.partial(_sum_over_replicas, plain, optimizer)
        optimizer._all_reduce_sum_gradients = sum_over
        optimizer = getattr(optimizer, "inner_optimizer", None)  # Of loss scaling.


def _sum_over_replicas(
    plain: Callable, optimizer: keras.Optimizer, grads_and_vars: Iterable
) -> Iterable:
    context = tf.distribute.get_replica_context()
    if context and context.num_replicas_in_sync == 1:
        return grads_and_vars
    return plain(optimizer, grads_and_vars)


class SymbolicBuildModel(keras.Model):
    """Builds itself before training from the batch that `first_batch` picks."""

    def first_batch(self, iterator: Any, data_batch: Any) -> Any:
        """One replica's batch, or None where Keras shall pick it."""

    # Keras averages the first batch over all workers, though only one's is at hand.
    def _maybe_symbolic_build(
        self, iterator: Any = None, data_batch: Any = None
    ) -> None:
        batch = self.first_batch(iterator, data_batch)
        if batch is None:
            super()._maybe_symbolic_build(iterator, data_batch)
            return
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=batch)


class HidingModel(keras.Model):
    """Keeps Keras from tracking and saving what `hidden` names.

    Attributes:
      hidden: names of properties of the class.
    """

    hidden: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        # Keras makes every model that is set a sublayer, before a property sees it.
        if name in self.hidden:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        # Keras saves the models that it finds under these names.
        return [name for name in super().__dir__() if name not in self.hidden]
