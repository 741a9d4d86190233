"""Decoupled knowledge distillation (DKD)."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import soften
from kd_keras.losses.kl import kl_from_log_probabilities, two_class_logits
from kd_keras.losses.part import LossInputs, LossPart


def decoupled(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float,
    labels: tf.Tensor,
    target_weight: float = 1.0,
    non_target_weight: float = 8.0,
) -> tf.Tensor:
    """Weighted sum of target-class and non-target-class divergence.

    The first compares how sure the two models are of the labelled class, the
    second how they rank the other classes among themselves.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.
      labels: integer class ids `[batch, ...]`, or one-hot rows of the logits'
        shape.
      target_weight: weight of the target-class term, alpha in the paper.
      non_target_weight: weight of the non-target-class term, beta.

    Returns:
      Tensor `[batch, ...]`.

    Reference:
      Zhao et al., "Decoupled Knowledge Distillation", CVPR 2022, eq. 7.
    """
    target = _one_hot(labels, teacher_logits)
    teacher = soften(teacher_logits, temperature)
    student = soften(student_logits, temperature)
    target_term = kl_from_log_probabilities(
        _target_against_rest(teacher, target), _target_against_rest(student, target)
    )
    non_target_term = kl_from_log_probabilities(
        _without(teacher, target), _without(student, target)
    )
    return target_weight * target_term + non_target_weight * non_target_term


def _one_hot(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    classes = logits.shape[-1]
    if len(labels.shape) == len(logits.shape):
        if labels.shape[-1] == classes:
            return ops.cast(ops.one_hot(ops.argmax(labels, -1), classes), "bool")
        labels = ops.squeeze(labels, -1)
    return ops.cast(ops.one_hot(ops.cast(labels, "int32"), classes), "bool")


def _without(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    # Finite, so that the dropped class has neither NaN nor gradient.
    lowest = ops.cast(-1e9, logits.dtype)
    return ops.log_softmax(ops.where(target, lowest, logits), axis=-1)


def _target_against_rest(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    lowest = ops.cast(-1e9, logits.dtype)
    of_target = ops.sum(ops.where(target, logits, 0.0), axis=-1)
    of_rest = ops.logsumexp(ops.where(target, lowest, logits), axis=-1)
    return ops.log_softmax(two_class_logits(of_target - of_rest), axis=-1)


@keras.saving.register_keras_serializable(package="kd_keras")
class DecoupledLoss(LossPart):
    """`decoupled` with weights of one's own, for `Distiller(soft_loss=...)`.

    Args:
      target_weight: weight of the target-class term, alpha in the paper.
      non_target_weight: weight of the non-target-class term, beta.
      warmup_steps: optimizer steps over which the soft term's weight grows
        linearly from 0 to its full value (20 epochs in the paper's
        experiments on CIFAR-100); 0 for none.
      **kwargs: `name` and `weight`, as of any `LossPart`.
    """

    heads = ("softmax",)
    needs = ("teacher", "labels")

    def __init__(
        self,
        target_weight: float = 1.0,
        non_target_weight: float = 8.0,
        warmup_steps: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.target_weight = target_weight
        self.non_target_weight = non_target_weight
        self.warmup_steps = warmup_steps

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """See `decoupled`."""
        return decoupled(
            inputs.teacher,
            inputs.student,
            inputs.temperature,
            inputs.labels,
            self.target_weight,
            self.non_target_weight,
        )

    def warmup(self, step: tf.Tensor) -> tf.Tensor | float:
        """Share of the full weight at an optimizer step, between 0 and 1."""
        if not self.warmup_steps:
            return 1.0
        return ops.minimum(ops.cast(step, "float32") / self.warmup_steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            target_weight=self.target_weight,
            non_target_weight=self.non_target_weight,
            warmup_steps=self.warmup_steps,
        )
        return config
