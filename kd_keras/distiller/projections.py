"""Linear maps between features of other widths, for the hints that need them."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from kd_keras.losses import FeatureHint
from kd_keras.losses.hints import HINT_LOSSES

# Number of the student's channels, and of the teacher's.
Widths = tuple[int, int]


def projection_widths(
    hint: FeatureHint, teacher_features: tf.Tensor, student_features: tf.Tensor
) -> Widths | None:
    """Widths between which a hint needs a projection.

    Args:
      hint: `FeatureHint`.
      teacher_features: tensor or symbolic tensor `[batch, ..., channels]`.
      student_features: tensor or symbolic tensor `[batch, ..., channels]`.

    Returns:
      (student width, teacher width), or None if none is needed.

    Raises:
      ValueError: if the positions of the features differ.
    """
    teacher, student = tuple(teacher_features.shape), tuple(student_features.shape)
    loss = HINT_LOSSES[hint.loss]
    if not loss.same_positions:
        return None
    positions = zip(teacher[1:-1], student[1:-1], strict=False)
    if len(teacher) != len(student) or any(
        None not in pair and pair[0] != pair[1] for pair in positions
    ):
        raise ValueError(
            f"`hints`: {hint.name!r} needs features with the same positions. "
            f"Received: teacher {teacher}, student {student}. Choose layers of the "
            "same resolution, or loss='relational'."
        )
    if not loss.same_width or teacher[-1] == student[-1]:
        return None
    return student[-1], teacher[-1]


def make_projection(hint: FeatureHint, widths: Widths) -> keras.layers.Dense:
    """A built linear map from the student's to the teacher's channels.

    Args:
      hint: `FeatureHint`.
      widths: (student width, teacher width).

    Returns:
      `keras.layers.Dense` in float32.
    """
    layer = keras.layers.Dense(
        widths[1], use_bias=False, dtype="float32", name=f"{hint.name}_projection"
    )
    layer.build((None, widths[0]))
    return layer


def check_projection(
    hint: FeatureHint,
    projection: keras.layers.Dense | None,
    teacher_features: tf.Tensor,
    student_features: tf.Tensor,
) -> None:
    """Raises ValueError if the projection was made for features of other widths."""
    needed = projection_widths(hint, teacher_features, student_features)
    if needed is None and projection is None:
        return
    made = projection and (projection.kernel.shape[0], projection.units)
    if made != needed:
        raise ValueError(
            f"`teacher` gives {hint.name!r} features of another width than the teacher "
            "that the Distiller was made for. Received: teacher "
            f"{teacher_features.shape}, student {student_features.shape}, projection "
            f"{made}. Attach a teacher of that width, or make a new Distiller."
        )


def restore_projections(
    hints: Sequence[FeatureHint], widths: Sequence[Widths | None]
) -> list[keras.layers.Dense | None]:
    """Built projections of the given widths.

    Args:
      hints: list of n `FeatureHint`s.
      widths: list with (student width, teacher width), or None, per hint.

    Returns:
      List with a layer, or None, per hint.
    """
    return [
        pair and make_projection(hint, pair)
        for hint, pair in zip(hints, widths, strict=True)
    ]
