"""Distances between intermediate features of teacher and student."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import safe_rsqrt
from kd_keras.losses.part import LossInputs, LossPart


def feature_mse(teacher_features: tf.Tensor, student_features: tf.Tensor) -> tf.Tensor:
    """Mean squared difference over the channels.

    Args:
      teacher_features: float tensor `[batch, ..., channels]`.
      student_features: float tensor of the same shape and dtype.

    Returns:
      Tensor `[batch, ...]`.

    Reference:
      Romero et al., "FitNets: Hints for Thin Deep Nets", 2015, eq. 3.
    """
    return ops.mean(ops.square(teacher_features - student_features), axis=-1)


def feature_cosine(
    teacher_features: tf.Tensor, student_features: tf.Tensor
) -> tf.Tensor:
    """1 minus the cosine of the angle between the channel vectors.

    Args:
      teacher_features: float tensor `[batch, ..., channels]`.
      student_features: float tensor of the same shape and dtype.

    Returns:
      Tensor `[batch, ...]`, between 0 and 2; 1 where a vector is 0.
    """
    return 1.0 - ops.sum(_unit(teacher_features) * _unit(student_features), axis=-1)


def attention_transfer(
    teacher_features: tf.Tensor, student_features: tf.Tensor
) -> tf.Tensor:
    """Mean squared difference of the normalised spatial attention maps.

    A map is the sum of the squared channels at every position, so the numbers
    of channels may differ.

    Args:
      teacher_features: float tensor `[batch, ..., channels]` with at least one
        axis of positions.
      student_features: float tensor with the same positions.

    Returns:
      Tensor `[batch]`.

    Reference:
      Zagoruyko and Komodakis, "Paying More Attention to Attention", 2017,
      section 3.1, with the mean of squares of the authors' code.
    """
    difference = _attention(teacher_features) - _attention(student_features)
    return ops.mean(ops.square(difference), axis=-1)


def _attention(features: tf.Tensor) -> tf.Tensor:
    energy = ops.sum(ops.square(features), axis=-1)
    positions = energy.shape[1:]
    size = -1 if None in positions else math.prod(positions)
    return _unit(ops.reshape(energy, (ops.shape(energy)[0], size)))


def _unit(vectors: tf.Tensor) -> tf.Tensor:
    squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * safe_rsqrt(squared)


def relational_distance(
    teacher_features: tf.Tensor,
    student_features: tf.Tensor,
    weights: tf.Tensor | None = None,
) -> tf.Tensor:
    """Huber loss between the pairwise distances of the examples in a batch.

    Distances are divided by their mean over the batch, so the features may have
    other widths and scales.

    Args:
      teacher_features: float tensor `[batch, ...]`.
      student_features: float tensor `[batch, ...]`.
      weights: weights of the examples `[batch]`, at least 0; None for equal
        weights.

    Returns:
      Tensor `[batch]`: for each example the mean over all examples of the
      batch, itself included.

    Reference:
      Park et al., "Relational Knowledge Distillation", CVPR 2019, eq. 4 to 7.
    """
    if weights is None:
        count = ops.shape(teacher_features)[0]
        weights = ops.ones((count,), dtype=teacher_features.dtype)
    error = ops.abs(
        _relative_distances(teacher_features, weights)
        - _relative_distances(student_features, weights)
    )
    huber = ops.where(error < 1.0, 0.5 * ops.square(error), error - 0.5)
    total = ops.maximum(ops.sum(weights), 1e-30)
    return ops.sum(huber * weights[None, :], axis=1) / total


def _relative_distances(features: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    rows = ops.reshape(
        features, (ops.shape(features)[0], math.prod(features.shape[1:]))
    )
    squared = ops.sum(ops.square(rows[:, None] - rows[None, :]), axis=-1)
    # The square root has no gradient at 0, on the diagonal.
    positive = squared > 0
    distances = ops.where(positive, ops.sqrt(ops.where(positive, squared, 1.0)), 0.0)
    pairs = weights[:, None] * weights[None, :]
    pairs = ops.where(ops.eye(ops.shape(rows)[0]) > 0, 0.0, pairs)
    mean = ops.sum(pairs * distances) / ops.maximum(ops.sum(pairs), 1e-30)
    return distances / ops.maximum(mean, 1e-12)


class HintLoss(NamedTuple):
    """A distance between features, and which features it can compare.

    Attributes:
      function: (teacher_features, student_features) -> `[batch, ...]`, followed by
        weights `[batch]` where it takes the whole batch.
      same_positions: whether the axes between batch and channels have to agree.
      same_width: whether the numbers of channels have to agree.
      by_position: whether it gives a value for every position, which a mask of the
        positions applies to.
      whole_batch: whether it compares examples with each other.
    """

    function: Callable[..., tf.Tensor]
    same_positions: bool = True
    same_width: bool = True
    by_position: bool = True
    whole_batch: bool = False


HINT_LOSSES = {
    "mse": HintLoss(feature_mse),
    "cosine": HintLoss(feature_cosine),
    "attention_transfer": HintLoss(
        attention_transfer, same_width=False, by_position=False
    ),
    "relational": HintLoss(
        relational_distance,
        same_positions=False,
        same_width=False,
        by_position=False,
        whole_batch=True,
    ),
}


@keras.saving.register_keras_serializable(package="kd_keras")
class FeatureHint(LossPart):
    """One pair of layers whose outputs the student is to bring together.

    Args:
      teacher_layer: name of the teacher's layer; a layer inside a nested model
        is named by its path, "backbone/block3".
      student_layer: name or path of the student's layer.
      loss: "mse", "cosine", "attention_transfer" or "relational". For the
        first two a student of another width gets a trained projection.
      weight: factor of this hint in the total loss, at least 0.
      teacher_index: which teacher to read when there are several.
      name: name in the logs; by default the student's layer and "_hint".

    Raises:
      ValueError: if `loss` is unknown or `weight` is negative.
    """

    uses_temperature = False

    def __init__(
        self,
        teacher_layer: str,
        student_layer: str,
        loss: str = "mse",
        weight: float = 1.0,
        teacher_index: int = 0,
        name: str | None = None,
    ):
        if loss not in HINT_LOSSES:
            raise ValueError(
                f"`loss` of a FeatureHint must be one of {sorted(HINT_LOSSES)}. "
                f"Received: loss={loss!r}. Choose one of them."
            )
        default = student_layer.replace("/", "_") + "_hint"
        super().__init__(name=name or default, weight=weight)
        self.teacher_layer = teacher_layer
        self.student_layer = student_layer
        self.loss = loss
        self.teacher_index = teacher_index

    @property
    def whole_batch(self) -> bool:  # type: ignore[override]
        """Whether the loss compares examples with each other."""
        return HINT_LOSSES[self.loss].whole_batch

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The distance of the features, by the loss of this name."""
        weights = (inputs.weights,) if self.whole_batch else ()
        function = HINT_LOSSES[self.loss].function
        return function(inputs.teacher, inputs.student, *weights)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            teacher_layer=self.teacher_layer,
            student_layer=self.student_layer,
            loss=self.loss,
            teacher_index=self.teacher_index,
        )
        return config
