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
      classes: integer tensor `[..., k]`, the classes they belong to: distinct, from 0
        to num_classes - 1.
      num_classes: number of classes, at least k.
      tail: what the other classes get: "uniform" spreads the missing
        probability evenly, "renormalize" gives them none and scales the k
        to sum to 1.

    Returns:
      Tensor `[..., num_classes]`, to be used as teacher logits.

    Raises:
      ValueError: if `tail` is neither of the two.
    """
    probabilities = tf.convert_to_tensor(probabilities)
    total = ops.sum(probabilities, axis=-1, keepdims=True)
    if tail == "renormalize":
        rest = ops.zeros_like(total)
        probabilities = probabilities / total
    elif tail == "uniform":
        others = max(num_classes - probabilities.shape[-1], 1)
        rest = ops.maximum(1.0 - total, 0.0) / others
    else:
        raise ValueError(
            "`tail` must be 'uniform' or 'renormalize'. "
            f"Received: tail={tail!r}. Choose one of the two."
        )
    return log_of_probabilities(
        spread_over_classes(probabilities, classes, rest, num_classes)
    )


def spread_over_classes(
    values: tf.Tensor, classes: tf.Tensor, rest: tf.Tensor, num_classes: int
) -> tf.Tensor:
    """The values at their classes, and `rest` at all others.

    Nothing of `[..., k, num_classes]` is made on the way: of a vocabulary that would be
    megabytes a token.

    Args:
      values: `[..., k]`.
      classes: integers `[..., k]`, distinct in each row.
      rest: `[..., 1]`.
      num_classes: number of classes.

    Returns:
      `[..., num_classes]`.
    """
    lead, k = values.shape[:-1], values.shape[-1]
    classes = tf.reshape(tf.cast(classes, tf.int32), (-1, k))
    rows = tf.broadcast_to(tf.range(tf.shape(classes)[0])[:, None], tf.shape(classes))
    spread = tf.tensor_scatter_nd_update(
        tf.tile(tf.reshape(rest, (-1, 1)), (1, num_classes)),
        tf.stack([rows, classes], axis=-1),
        tf.reshape(values, (-1, k)),
    )
    shape = tf.concat([tf.shape(values)[:-1], [num_classes]], axis=0)
    return tf.ensure_shape(tf.reshape(spread, shape), (*lead, num_classes))


def log_of_probabilities(probabilities: tf.Tensor) -> tf.Tensor:
    """Log of probabilities, finite at 0: the logits that a softmax came from.

    Args:
      probabilities: float tensor, each entry in [0, 1].

    Returns:
      Tensor of the same shape; -85 where the probability is 0.
    """
    return ops.log(ops.maximum(probabilities, math.exp(-85.0)))
