"""Jensen-Shannon divergences between softened predictions."""

import math

import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import soften
from kd_keras.losses.kl import kl_from_log_probabilities, two_class_logits


def jensen_shannon_divergence(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """Mean KL divergence of teacher and student to their mixture.

    Symmetric, and at most log 2 however far apart the two are.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Tensor `[batch, ...]` in nats, between 0 and log 2.

    Reference:
      Lin, "Divergence Measures Based on the Shannon Entropy", 1991, eq. 4.1.
    """
    log_p = ops.log_softmax(soften(teacher_logits, temperature), axis=-1)
    log_q = ops.log_softmax(soften(student_logits, temperature), axis=-1)
    log_mixture = ops.logaddexp(log_p, log_q) - math.log(2.0)
    return 0.5 * (
        kl_from_log_probabilities(log_p, log_mixture)
        + kl_from_log_probabilities(log_q, log_mixture)
    )


def binary_jensen_shannon_divergence(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """Jensen-Shannon divergence of independent sigmoids, averaged over labels.

    Args:
      teacher_logits: float tensor `[batch, ..., labels]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Tensor `[batch, ...]` in nats, between 0 and log 2.
    """
    divergence = jensen_shannon_divergence(
        two_class_logits(teacher_logits),
        two_class_logits(student_logits),
        temperature,
    )
    return ops.mean(divergence, axis=-1)
