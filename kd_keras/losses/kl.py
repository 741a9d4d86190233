"""Kullback-Leibler divergences between softened predictions."""

import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import safe_rsqrt, soften


def kl_divergence(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """KL(teacher || student) of the softmax at a temperature, in log space.

    Multiplied by the squared temperature its gradient keeps its size as the
    temperature grows; `Distiller` does so.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Tensor `[batch, ...]` in nats, at least 0.

    Reference:
      Hinton et al., "Distilling the Knowledge in a Neural Network", 2015,
      section 2.
    """
    log_p = ops.log_softmax(soften(teacher_logits, temperature), axis=-1)
    log_q = ops.log_softmax(soften(student_logits, temperature), axis=-1)
    return kl_from_log_probabilities(log_p, log_q)


def kl_from_log_probabilities(log_p: tf.Tensor, log_q: tf.Tensor) -> tf.Tensor:
    """KL(p || q) over the last axis; classes with p = 0 add nothing.

    Args:
      log_p: float tensor `[..., classes]`, log probabilities.
      log_q: float tensor of the same shape.

    Returns:
      Tensor `[...]` in nats.
    """
    p = ops.exp(log_p)
    return ops.sum(p * ops.where(p > 0, log_p - log_q, 0.0), axis=-1)


def standardized_kl_divergence(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """KL divergence of logits brought to mean 0 and standard deviation 1 first.

    The student matches the teacher's relations between classes, not the range
    of its logits.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, at least 2 classes.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Tensor `[batch, ...]` in nats.

    Reference:
      Sun et al., "Logit Standardization in Knowledge Distillation", CVPR
      2024, algorithm 1 (population standard deviation).
    """
    return kl_divergence(
        _standardize(teacher_logits), _standardize(student_logits), temperature
    )


def _standardize(logits: tf.Tensor) -> tf.Tensor:
    centered = logits - ops.mean(logits, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
    return centered * safe_rsqrt(variance)


def binary_kl_divergence(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """KL of independent sigmoids at a temperature, averaged over the labels.

    Args:
      teacher_logits: float tensor `[batch, ..., labels]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Tensor `[batch, ...]` in nats.
    """
    return ops.mean(
        kl_divergence(
            two_class_logits(teacher_logits),
            two_class_logits(student_logits),
            temperature,
        ),
        axis=-1,
    )


def two_class_logits(logits: tf.Tensor) -> tf.Tensor:
    """Logits `[..., labels]` as softmax logits `[..., labels, 2]`.

    softmax([0, z]) = [1 - sigmoid(z), sigmoid(z)].
    """
    return ops.stack([ops.zeros_like(logits), logits], axis=-1)
