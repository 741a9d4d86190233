"""Temperatures of one number or one per example, and roots that stay finite."""

import tensorflow as tf
from keras import ops


def soften(logits: tf.Tensor, temperature: tf.Tensor | float) -> tf.Tensor:
    """Divides logits by the temperature.

    Args:
      logits: float tensor `[batch, ..., classes]`.
      temperature: positive scalar, or one value per example, `[batch]`.

    Returns:
      Tensor of the shape and dtype of `logits`.
    """
    logits = ops.convert_to_tensor(logits)
    temperature = ops.convert_to_tensor(temperature, dtype=logits.dtype)
    return logits / per_example(temperature, logits)


def per_example(values: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Appends axes of size 1 until `values` broadcasts against `like`."""
    missing = len(like.shape) - len(values.shape)
    if len(values.shape) == 0 or missing <= 0:
        return values
    return ops.reshape(values, (*ops.shape(values), *([1] * missing)))


def safe_rsqrt(squares: tf.Tensor) -> tf.Tensor:
    """1 / sqrt, and 0 with gradient 0 where there is nothing but rounding.

    A norm or a deviation of 0, as behind a dead ReLU, has no direction: dividing
    by a small constant instead would multiply gradients by its inverse.

    Args:
      squares: float tensor, sums or means of squares.

    Returns:
      Tensor of the same shape.
    """
    positive = squares > 1e-12
    return ops.where(positive, ops.rsqrt(ops.where(positive, squares, 1.0)), 0.0)
