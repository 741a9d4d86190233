"""Several teachers as one, and logits of a teacher that gives probabilities."""

from collections.abc import Sequence

import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import per_example, soften
from kd_keras.losses.top_k import log_of_probabilities

COMBINATIONS = ("losses", "probabilities", "logits")


def normalized(weights: Sequence[float] | None, teachers: int) -> list[float]:
    """Weights of the teachers that sum to 1; equal ones where none are given."""
    if weights is None or len(weights) != teachers:
        return [1.0 / teachers] * teachers
    return [weight / sum(weights) for weight in weights]


def logits_from_probabilities(probabilities: tf.Tensor, head: str | None) -> tf.Tensor:
    """Logits that give these probabilities: log p, or log p - log(1 - p).

    Args:
      probabilities: tensor `[batch, ..., classes]`, entries in [0, 1].
      head: "softmax", "sigmoid" or None, which leaves them alone.

    Returns:
      Float32 tensor of the same shape, finite.
    """
    probabilities = ops.cast(probabilities, "float32")
    if head == "softmax":
        return log_of_probabilities(probabilities)
    if head == "sigmoid":
        return log_of_probabilities(probabilities) - ops.log(
            ops.maximum(1.0 - probabilities, 2.0**-25)
        )
    return probabilities


def combine_teachers(
    logits: Sequence[tf.Tensor],
    weights: Sequence[float],
    how: str,
    head: str,
    temperature: tf.Tensor | float,
) -> tf.Tensor:
    """Makes one teacher of several.

    Args:
      logits: list of n tensors `[batch, ..., classes]`.
      weights: n numbers that sum to 1.
      how: "probabilities" averages the softened predictions, "logits" the
        logits.
      head: "softmax" or "sigmoid".
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Logits `[batch, ..., classes]` whose softened prediction is the mean.
    """
    if len(logits) == 1:
        return logits[0]
    if how == "logits":
        return sum(w * z for w, z in zip(weights, logits, strict=True))
    softened = [soften(z, temperature) for z in logits]
    if head == "softmax":
        mean = _log_mean([ops.log_softmax(z, axis=-1) for z in softened], weights)
    else:
        mean = _log_mean([ops.log_sigmoid(z) for z in softened], weights) - _log_mean(
            [ops.log_sigmoid(-z) for z in softened], weights
        )
    return mean * per_example(ops.cast(temperature, mean.dtype), mean)


def _log_mean(logs: Sequence[tf.Tensor], weights: Sequence[float]) -> tf.Tensor:
    weighted = [log + ops.log(w) for log, w in zip(logs, weights, strict=True)]
    return ops.logsumexp(ops.stack(weighted), axis=0)
