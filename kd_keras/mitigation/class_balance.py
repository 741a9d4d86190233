"""Losses for classes of which some are rare, or that the teacher does not know well."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kd_keras.losses import LossInputs, LossPart
from kd_keras.losses._numerics import soften
from kd_keras.losses.kl import kl_from_log_probabilities


def ada_alpha(
    labels: Any, teacher_predictions: Any, offset: float = 0.0
) -> list[float]:
    """How far to trust the teacher, class by class.

    alpha_y = max(0, accuracy of the teacher on class y - offset)

    Args:
      labels: classes `[examples]` of data that the teacher was not trained with.
      teacher_predictions: the classes that the teacher predicts, `[examples]`.
      offset: c of the paper, in [0, 1].

    Returns:
      One number in [0, 1] for each class, for `MixedLoss` or `GroupDRO`.

    Raises:
      ValueError: if the two differ in length, or a class has no examples.

    Reference:
      Lukasik et al., "Teacher's pet", TMLR 2022 (arXiv 2106.10494), section 5.
    """
    labels, predictions = np.asarray(labels), np.asarray(teacher_predictions)
    if labels.shape != predictions.shape or labels.ndim != 1 or not labels.size:
        raise ValueError(
            "`labels` and `teacher_predictions` must be as long as each other, "
            f"[examples], and not empty. Received: {labels.shape} and "
            f"{predictions.shape}. Pass classes, not logits."
        )
    if not 0 <= offset <= 1:
        raise ValueError(
            f"`offset` must be a number in [0, 1]. Received: offset={offset!r}. It is "
            "taken off the teacher's accuracies."
        )
    classes = int(max(labels.max(), predictions.max())) + 1
    sizes = np.bincount(labels, minlength=classes)
    if not sizes.all():
        raise ValueError(
            f"`labels` must have every class. Received: none of {np.argmin(sizes)}. "
            "Hold out more examples."
        )
    right = np.bincount(labels[labels == predictions], minlength=classes)
    return np.maximum(right / sizes - offset, 0.0).tolist()


@keras.saving.register_keras_serializable(package="kd_keras")
class BalancedKD(LossPart):
    """KL divergence to a teacher whose rare classes are given more weight.

    p_y ~ softmax(z_t / T)_y / n_y, scaled to sum to 1; KL(p || softmax(z / T)), which a
    `Distiller` multiplies by T^2. Passed as soft loss.

    Args:
      counts: n, training examples `[classes]`, all above 0.
      name: its name in messages.
      weight: its factor in the loss, beside alpha.

    Raises:
      ValueError: if a count is not above 0.

    Reference:
      Zhang et al., "Balanced Knowledge Distillation for Long-tailed Learning",
      Neurocomputing 2023 (arXiv 2104.10510), eq. 5 and 6, with inverse frequencies as
      weights; T=2 there.
    """

    heads = ("softmax",)

    def __init__(
        self, counts: Sequence[float], name: str | None = None, weight: float = 1.0
    ):
        super().__init__(name=name, weight=weight)
        self.counts = _checked(counts, "BalancedKD")

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The divergence of every example, `[batch, ...]`."""
        teacher = soften(inputs.teacher, inputs.temperature)
        log_p = ops.log_softmax(teacher - _log_shares(self.counts), axis=-1)
        student = soften(inputs.student, inputs.temperature)
        return kl_from_log_probabilities(log_p, ops.log_softmax(student, axis=-1))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(counts=self.counts)
        return config


@keras.saving.register_keras_serializable(package="kd_keras")
class BalancedSoftmax(keras.losses.Loss):
    """Cross-entropy of logits that know how common the classes are in training.

    -log softmax(z + log n)_y. Trained so, z predicts as if all classes were equally
    common. Passed as loss of `compile`.

    Args:
      counts: n, training examples `[classes]`, all above 0.
      name: its name.
      reduction: as of `keras.losses.Loss`.

    Raises:
      ValueError: if a count is not above 0.

    Reference:
      Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition", NeurIPS
      2020, eq. 3 and 4.
    """

    def __init__(
        self,
        counts: Sequence[float],
        name: str = "balanced_softmax",
        reduction: str = "sum_over_batch_size",
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.counts = _checked(counts, "BalancedSoftmax")

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of every example: class ids `[batch, ...]`, logits."""
        return keras.losses.sparse_categorical_crossentropy(
            y_true, y_pred + _log_shares(self.counts), from_logits=True
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "counts": self.counts}


def _checked(counts: Sequence[float], of: str) -> list[float]:
    values = [float(n) for n in counts]
    if len(values) < 2 or not all(0 < n < float("inf") for n in values):
        raise ValueError(
            f"`counts` of a {of} must be the numbers of training examples of at least "
            f"two classes, all above 0. Received: counts={values}. Leave out a class "
            "that is not in the training data."
        )
    return values


def _log_shares(counts: Sequence[float]) -> np.ndarray:
    values = np.array(counts)
    return np.log(values / values.sum()).astype("float32")
