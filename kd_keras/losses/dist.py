"""Knowledge distillation from a stronger teacher (DIST)."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import safe_rsqrt, soften
from kd_keras.losses.part import LossInputs, LossPart


def dist(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
    weights: tf.Tensor | None = None,
    inter_weight: float = 1.0,
    intra_weight: float = 1.0,
) -> tf.Tensor:
    """Pearson distances between the predictions, by example and by class.

    The inter-class term compares the classes of one example, the intra-class
    term the examples of one class over the whole batch.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.
      weights: weights of the rows `[batch, ...]` in the intra-class term, at
        least 0; None for equal weights.
      inter_weight: weight of the inter-class term, beta in the paper.
      intra_weight: weight of the intra-class term, gamma.

    Returns:
      Tensor `[batch, ...]`; every entry holds the same intra-class term, so
      that the mean over the batch is the paper's loss.

    Reference:
      Huang et al., "Knowledge Distillation from A Stronger Teacher", NeurIPS
      2022, eq. 7 to 11.
    """
    p = ops.softmax(soften(teacher_logits, temperature), axis=-1)
    q = ops.softmax(soften(student_logits, temperature), axis=-1)
    inter = 1.0 - _pearson(p, q, ops.ones_like(p), axis=-1)
    classes = p.shape[-1]
    rows = ops.ones_like(inter) if weights is None else ops.cast(weights, p.dtype)
    rows = ops.broadcast_to(rows, ops.shape(inter))
    by_class = _pearson(
        ops.reshape(p, (-1, classes)),
        ops.reshape(q, (-1, classes)),
        ops.reshape(rows, (-1, 1)),
        axis=0,
    )
    return inter_weight * inter + intra_weight * (1.0 - ops.mean(by_class))


def _pearson(x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor, axis: int) -> tf.Tensor:
    total = ops.maximum(ops.sum(weights, axis=axis, keepdims=True), 1e-30)
    x = x - ops.sum(weights * x, axis=axis, keepdims=True) / total
    y = y - ops.sum(weights * y, axis=axis, keepdims=True) / total
    x = x * safe_rsqrt(ops.sum(weights * x * x, axis=axis, keepdims=True))
    y = y * safe_rsqrt(ops.sum(weights * y * y, axis=axis, keepdims=True))
    return ops.sum(weights * x * y, axis=axis)


@keras.saving.register_keras_serializable(package="kd_keras")
class DistLoss(LossPart):
    """`dist` with weights of one's own, for `Distiller(soft_loss=...)`.

    Args:
      inter_weight: weight of the inter-class term, beta in the paper.
      intra_weight: weight of the intra-class term, gamma.
      **kwargs: `name` and `weight`, as of any `LossPart`.
    """

    heads = ("softmax",)
    whole_batch = True

    def __init__(
        self, inter_weight: float = 1.0, intra_weight: float = 1.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.inter_weight = inter_weight
        self.intra_weight = intra_weight

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """See `dist`."""
        return dist(
            inputs.teacher,
            inputs.student,
            inputs.temperature,
            inputs.weights,
            self.inter_weight,
            self.intra_weight,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(inter_weight=self.inter_weight, intra_weight=self.intra_weight)
        return config
