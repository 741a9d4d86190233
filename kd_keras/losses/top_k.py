"""Teacher logits from the few largest probabilities that a cache keeps."""

import math

import tensorflow as tf
from keras import ops


def expand_top_k(
    probabilities: tf.Tensor,
    classes: tf.Tensor,
    num_classes: int,
    tail: str = "uniform",
) -> tf.Tensor:
    """Log probabilities over all classes from the k largest ones.

    Args:
      probabilities: float tensor `[..., k]`, the k largest probabilities at
        temperature 1, each row summing to at most 1.
      classes: integer tensor `[..., k]`, the classes they belong to.
      num_classes: number of classes, at least k.
      tail: what the other classes get: "uniform" spreads the missing
        probability evenly, "renormalize" gives them none and scales the k
        to sum to 1.

    Returns:
      Tensor `[..., num_classes]`, to be used as teacher logits.

    Raises:
      ValueError: if `tail` is neither of the two.
    """
    chosen = ops.one_hot(classes, num_classes, dtype=probabilities.dtype)
    kept = ops.sum(chosen * ops.expand_dims(probabilities, -1), axis=-2)
    total = ops.sum(probabilities, axis=-1, keepdims=True)
    if tail == "renormalize":
        rest = ops.zeros_like(kept)
        kept = kept / total
    elif tail == "uniform":
        others = max(num_classes - probabilities.shape[-1], 1)
        rest = ops.ones_like(kept) * ops.maximum(1.0 - total, 0.0) / others
    else:
        raise ValueError(
            "`tail` must be 'uniform' or 'renormalize'. "
            f"Received: tail={tail!r}. Choose one of the two."
        )
    return log_of_probabilities(kept + (1.0 - ops.max(chosen, axis=-2)) * rest)


def log_of_probabilities(probabilities: tf.Tensor) -> tf.Tensor:
    """Log of probabilities, finite at 0: the logits that a softmax came from.

    Args:
      probabilities: float tensor, each entry in [0, 1].

    Returns:
      Tensor of the same shape; -85 where the probability is 0.
    """
    return ops.log(ops.maximum(probabilities, math.exp(-85.0)))
