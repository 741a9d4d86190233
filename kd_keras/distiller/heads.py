"""A model as what gives its last hidden states, and the head that makes logits."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from kd_keras.keras_internals import call_behind

# They apply the same weights at each position.
_BY_POSITION = ("Dense", "ReversibleEmbedding")


class Head(NamedTuple):
    """The last layer of a model, which makes logits of hidden states, by position.

    Attributes:
      layer: `keras.layers.Dense`, or a `ReversibleEmbedding` of Keras or KerasHub.
      arguments: how it is called beside its input.
    """

    layer: keras.layers.Layer
    arguments: dict[str, Any]

    def values(self) -> list[tf.Tensor]:
        """The values of its weights as tensors, through which gradients flow."""
        return [tf.convert_to_tensor(weight) for weight in self.layer.weights]

    def are_trained(self) -> list[bool]:
        """Of each of its weights, whether it is trained."""
        return [weight.trainable for weight in self.layer.weights]

    def logits(self, hidden: tf.Tensor, values: Sequence[tf.Tensor]) -> tf.Tensor:
        """`[..., width]` -> `[..., classes]`, with these values as weights."""
        mapping = list(zip(self.layer.weights, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return self.layer(hidden, **self.arguments)


class SplitModel(NamedTuple):
    """A model in two parts.

    Attributes:
      hidden: `keras.Model` that gives the hidden states, or None where the model is the
        head alone.
      head: `Head`.
    """

    hidden: keras.Model | None
    head: Head


def split(model: Any, argument: str) -> SplitModel:
    """Cuts a model before its last layer; both parts share its weights.

    Args:
      model: Functional or Sequential `keras.Model` with one output, or a built
        `keras.layers.Dense` alone.
      argument: name of the model in error messages.

    Returns:
      `SplitModel`.

    Raises:
      ValueError: if its logits do not come from one layer that acts by position.
    """
    found = _cut(model)
    if isinstance(found, SplitModel):
        return found
    name = getattr(model, "name", type(model).__name__)
    raise ValueError(
        f"`{argument}` must be a Functional or Sequential keras.Model whose one output "
        "comes from a Dense layer, or from a ReversibleEmbedding, so that its logits "
        f"can be made position by position. Received: {name!r} with {found}. Take off "
        "what stands behind that layer, or hold all logits: time_chunk=None, and a "
        "cache with storage='float16'."
    )


def split_if_possible(model: Any) -> SplitModel | None:
    """As `split`, or None for a model that cannot be cut there."""
    found = _cut(model)
    return found if isinstance(found, SplitModel) else None


def _cut(model: Any) -> SplitModel | str:
    """The parts, or what the model has that is in the way."""
    if isinstance(model, keras.layers.Dense) and model.built:
        return _with_head(Head(model, {}), None)
    outputs: Any = getattr(model, "outputs", None) or ()
    if not isinstance(model, keras.Model) or len(outputs) != 1:
        return f"{len(outputs)} known outputs"
    layer, states, arguments = call_behind(outputs[0])
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    kinds = {base.__name__ for base in type(layer).__mro__}
    if not kinds & set(_BY_POSITION):
        return f"a {type(layer).__name__} as last layer"
    return _with_head(Head(layer, arguments), keras.Model(inputs, states))


def _with_head(head: Head, hidden: keras.Model | None) -> SplitModel | str:
    activation = getattr(head.layer, "activation", None)
    if activation not in (None, keras.activations.linear):
        return f"a last layer that applies {activation.__name__}"
    if head.layer.activity_regularizer is not None:
        return "a last layer with an activity regularizer"
    return SplitModel(hidden, head)
