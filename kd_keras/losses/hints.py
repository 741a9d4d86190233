"""Distances between intermediate features of teacher and student."""

from collections.abc import Callable

import keras
from keras import ops

from kd_keras.losses._numerics import safe_rsqrt


def feature_mse(teacher_features, student_features):
    """Mean squared difference over the channels.

    Args:
        teacher_features: Float tensor `[batch, ..., channels]`.
        student_features: Float tensor of the same shape and dtype.

    Returns:
        Tensor `[batch, ...]`.

    Reference:
        Romero et al., "FitNets: Hints for Thin Deep Nets", 2015, eq. 3.
    """
    return ops.mean(ops.square(teacher_features - student_features), axis=-1)


def feature_cosine(teacher_features, student_features):
    """1 minus the cosine of the angle between the channel vectors.

    Args:
        teacher_features: Float tensor `[batch, ..., channels]`.
        student_features: Float tensor of the same shape and dtype.

    Returns:
        Tensor `[batch, ...]`, between 0 and 2; 1 where a vector is 0.
    """
    return 1.0 - ops.sum(_unit(teacher_features) * _unit(student_features), axis=-1)


def attention_transfer(teacher_features, student_features):
    """Mean squared difference of the normalised spatial attention maps.

    A map is the sum of the squared channels at every position, so the numbers
    of channels may differ.

    Args:
        teacher_features: Float tensor `[batch, ..., channels]` with at least one
            axis of positions.
        student_features: Float tensor with the same positions.

    Returns:
        Tensor `[batch]`.

    Reference:
        Zagoruyko and Komodakis, "Paying More Attention to Attention", 2017,
        section 3.1, with the mean of squares of the authors' code.
    """
    difference = _attention(teacher_features) - _attention(student_features)
    return ops.mean(ops.square(difference), axis=-1)


def _attention(features):
    energy = ops.sum(ops.square(features), axis=-1)
    positions = energy.shape[1:]
    size = -1 if None in positions else _product(positions)
    return _unit(ops.reshape(energy, (ops.shape(energy)[0], size)))


def _product(sizes):
    result = 1
    for size in sizes:
        result *= size
    return result


def _unit(vectors):
    squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * safe_rsqrt(squared)


def relational_distance(teacher_features, student_features, weights=None):
    """Huber loss between the pairwise distances of the examples in a batch.

    Distances are divided by their mean over the batch, so the features may have
    other widths and scales.

    Args:
        teacher_features: Float tensor `[batch, ...]`.
        student_features: Float tensor `[batch, ...]`.
        weights: Weights of the examples `[batch]`, at least 0; None for equal
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


def _relative_distances(features, weights):
    rows = ops.reshape(features, (ops.shape(features)[0], _product(features.shape[1:])))
    squared = ops.sum(ops.square(rows[:, None] - rows[None, :]), axis=-1)
    # The square root has no gradient at 0, on the diagonal.
    positive = squared > 0
    distances = ops.where(positive, ops.sqrt(ops.where(positive, squared, 1.0)), 0.0)
    pairs = weights[:, None] * weights[None, :]
    pairs = ops.where(ops.eye(ops.shape(rows)[0]) > 0, 0.0, pairs)
    mean = ops.sum(pairs * distances) / ops.maximum(ops.sum(pairs), 1e-30)
    return distances / ops.maximum(mean, 1e-12)


HINT_LOSSES: dict[str, Callable] = {
    "mse": feature_mse,
    "cosine": feature_cosine,
    "attention_transfer": attention_transfer,
    "relational": relational_distance,
}


@keras.saving.register_keras_serializable(package="kd_keras")
class FeatureHint:
    """One pair of layers whose outputs the student is to bring together.

    Args:
        teacher_layer: Name of the teacher's layer; a layer inside a nested model
            is named by its path, "backbone/block3".
        student_layer: Name or path of the student's layer.
        loss: "mse", "cosine", "attention_transfer" or "relational". For the
            first two a student of another width gets a trained projection.
        weight: Factor of this hint in the total loss, at least 0.
        teacher_index: Which teacher to read when there are several.
        name: Name in the logs; by default the student's layer and "_hint".

    Raises:
        ValueError: If `loss` is unknown or `weight` is negative.
    """

    def __init__(
        self,
        teacher_layer,
        student_layer,
        loss="mse",
        weight=1.0,
        teacher_index=0,
        name=None,
    ):
        if loss not in HINT_LOSSES:
            raise ValueError(
                f"`loss` of a FeatureHint must be one of {sorted(HINT_LOSSES)}. "
                f"Received: loss={loss!r}. Choose one of them."
            )
        if not weight >= 0:
            raise ValueError(
                "`weight` of a FeatureHint must be at least 0. "
                f"Received: weight={weight}. Pass 0 to switch the hint off."
            )
        self.teacher_layer = teacher_layer
        self.student_layer = student_layer
        self.loss = loss
        self.weight = weight
        self.teacher_index = teacher_index
        self.name = name or student_layer.replace("/", "_") + "_hint"

    def get_config(self):
        return {
            "teacher_layer": self.teacher_layer,
            "student_layer": self.student_layer,
            "loss": self.loss,
            "weight": self.weight,
            "teacher_index": self.teacher_index,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
