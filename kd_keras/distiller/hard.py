"""The hard term: the compiled loss, per example, checked against the head."""

import dataclasses
import inspect
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.distiller.batch import Batch, Mean
from kd_keras.distiller.outputs import Output
from kd_keras.distiller.reduction import Term, mean_term, own_mean_term, replicas
from kd_keras.keras_internals import mask_of

# These read probabilities whatever their arguments say.
_PROBABILITY_LOSSES = {"kl_divergence", "kldivergence", "poisson"}


def check_hard_loss(loss: Any, head: str | None) -> None:
    """Refuses a loss that contradicts logits with this head.

    Args:
      loss: name, `keras.losses.Loss` or function; None passes.
      head: "softmax", "sigmoid" or None, which passes everything.

    Raises:
      ValueError: if the loss expects probabilities, or another head's logits.
    """
    if loss is None or head is None:
        return
    name = loss if isinstance(loss, str) else _name(loss)
    plain = name.lower().replace("_", "")
    reads = what_a_loss_reads(loss)
    if reads == "probabilities":
        raise ValueError(
            f"`loss` reads probabilities, but head={head!r} means that the student "
            f"gives logits. Received: loss={name!r} (from_logits=False). Pass "
            f"{_suggestion(plain, head)}."
        )
    if reads is not None and reads != head:
        raise ValueError(
            f"`loss` applies a {reads}, which contradicts head={head!r}. Received: "
            f"loss={name!r}. Pass {_suggestion('', head)}, or set head={reads!r}."
        )


def _name(loss: Any) -> str:
    return getattr(loss, "__name__", None) or type(loss).__name__


def what_a_loss_reads(loss: Any) -> str | None:
    """ "probabilities", the head whose logits the loss reads, or None if unknown.

    Args:
      loss: name, `keras.losses.Loss` or function.
    """
    name = loss if isinstance(loss, str) else _name(loss)
    plain = name.lower().replace("_", "")
    if plain in {"crossentropy", "ce"} | {
        name.replace("_", "") for name in _PROBABILITY_LOSSES
    }:
        return "probabilities"
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        from_logits = loss.get_config().get("from_logits")
        plain = type(loss).__name__.lower()
    else:
        parameter = inspect.signature(loss).parameters.get("from_logits")
        from_logits = parameter and parameter.default
        plain = getattr(getattr(loss, "func", loss), "__name__", "").replace("_", "")
    if from_logits is False:
        return "probabilities"
    if from_logits and plain.startswith("binary"):
        return "sigmoid"
    if from_logits and plain.startswith(("categorical", "sparsecategorical")):
        return "softmax"
    return None


def _suggestion(plain: str, head: str) -> str:
    if head == "sigmoid":
        return "keras.losses.BinaryCrossentropy(from_logits=True)"
    if plain.startswith("categorical"):
        return "keras.losses.CategoricalCrossentropy(from_logits=True)"
    return "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"


def hard_term(output: Output, loss: Any) -> Term:
    """The compiled loss of one output, divided as its reduction says.

    Args:
      output: `Output` with labels.
      loss: name, `keras.losses.Loss` or function (labels, predictions) ->
        `[batch, ...]` or a scalar, their mean.

    Returns:
      `Term`.

    Raises:
      ValueError: if the loss is not to be reduced.
    """
    loss = keras.losses.get(loss)
    reduction = getattr(loss, "reduction", "sum_over_batch_size")
    values, mask = _entries(output, loss)
    if len(values.shape) == 0:
        return _scalar_term(values, output, loss)
    term = mean_term(values, output.weights, mask)
    if reduction == "sum":
        return term._replace(divisor=1.0 / replicas())
    if reduction == "mean_with_sample_weight" and output.weights is not None:
        ones = ops.ones_like(values)
        return term._replace(divisor=mean_term(ones, output.weights, mask).total)
    if reduction in (None, "none"):
        raise ValueError(
            "`loss` must have a reduction. Received: "
            f"{_name(loss)}(reduction={reduction!r}). Allowed: "
            "'sum_over_batch_size', 'mean', 'mean_with_sample_weight', 'sum'."
        )
    return term


def _entries(output: Output, loss: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Unreduced losses `[batch, ...]` and the mask that applies to them."""
    labels: Any = output.labels
    predictions = output.student
    if isinstance(loss, keras.losses.Loss):
        labels = ops.cast(labels, loss.dtype)
        values = loss.call(labels, ops.cast(predictions, loss.dtype))
    else:
        if len(labels.shape) == len(predictions.shape) - 1 and (
            predictions.shape[-1] == 1
        ):
            labels = ops.expand_dims(labels, -1)
        values = loss(labels, predictions)
    values = ops.convert_to_tensor(values)
    # Set by losses that ignore a class.
    own_mask = mask_of(values)
    mask = output.mask
    if own_mask is not None:
        own_mask = ops.cast(own_mask, "bool")
        mask = own_mask if mask is None else ops.logical_and(mask, own_mask)
    return ops.cast(values, "float32"), mask


def _scalar_term(value: tf.Tensor, output: Output, loss: Any) -> Term:
    if output.weights is not None or output.mask is not None:
        raise ValueError(
            "`loss` must give one value per example for a weighted or masked batch. "
            f"Received: {_name(loss)}, which gives a scalar. Return [batch]."
        )
    return own_mean_term(value, ops.cast(ops.shape(output.student)[0], "float32"))


@dataclasses.dataclass(frozen=True)
class HardPart:
    """The compiled loss of every output that has labels.

    Attributes:
      loss: as of `compile`, shared or per output.
      loss_weights: weights of the outputs, or None.
    """

    loss: Any
    loss_weights: Any

    def __call__(self, batch: Batch) -> list[Mean]:
        """One mean per output with labels and a loss."""
        losses = batch.per_output(self.loss, "loss")
        scales = batch.scales(self.loss_weights)
        means = []
        for output, loss, scale in zip(batch.outputs, losses, scales, strict=True):
            if output.labels is not None and loss is not None:
                check_hard_loss(loss, output.head)
                term = hard_term(output, loss)
                means.append(Mean("hard_loss", scale, 1.0 - batch.schedule.alpha, term))
        return means
