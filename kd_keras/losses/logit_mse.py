"""Squared distance between logits."""

import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import soften


def logit_mse(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """Mean over the classes of the squared difference of softened logits.

    Multiplied by the squared temperature it no longer depends on it.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Tensor `[batch, ...]`.

    Reference:
      Ba and Caruana, "Do Deep Nets Really Need to be Deep?", 2014, eq. 1
      (there a sum, with a factor 1/2).
    """
    difference = soften(teacher_logits, temperature) - soften(
        student_logits, temperature
    )
    return ops.mean(ops.square(difference), axis=-1)
