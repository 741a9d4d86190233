"""Hints: features of the teacher's and the student's layers, compared."""

import dataclasses
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.distiller.batch import Batch, Mean
from kd_keras.distiller.outputs import align_rank
from kd_keras.distiller.part_term import part_term
from kd_keras.distiller.projections import (
    check_projection,
    projection_widths,
    restore_projections,
)
from kd_keras.distiller.recording import find_layer, record_outputs
from kd_keras.distiller.teacher import Teacher
from kd_keras.keras_internals import mask_of, symbolic_outputs
from kd_keras.losses import FeatureHint, LossInputs
from kd_keras.losses.hints import HINT_LOSSES


class Features:
    """Where the hints of one student read.

    Args:
      student: `keras.Model`.
      hints: list of `FeatureHint`s.

    Raises:
      ValueError: if the student has no such layer.
    """

    def __init__(self, student: keras.Model, hints: Sequence[FeatureHint]):
        self.hints = hints
        self._student_layers = [
            find_layer(student, hint.student_layer, "student_layer") for hint in hints
        ]

    def of_student(self) -> AbstractContextManager[list]:
        """Context in which the student's features are recorded."""
        return record_outputs(self._student_layers)

    def of_teachers(
        self, teachers: Sequence[Teacher], x: Any
    ) -> tuple[list[Any], list[tf.Tensor]]:
        """Runs each teacher once.

        Args:
          teachers: list of `Teacher`s.
          x: inputs.

        Returns:
          List of the teachers' outputs; list with one tensor per hint.

        Raises:
          ValueError: if a hint names a teacher or a layer that did not run.
        """
        outputs: list[Any] = []
        features: list[Any] = [None] * len(self.hints)
        for index, teacher in enumerate(teachers):
            read = [i for i, h in enumerate(self.hints) if h.teacher_index == index]
            layers = [
                find_layer(teacher.model, self.hints[i].teacher_layer, "teacher_layer")
                for i in read
            ]
            with record_outputs(layers) as recorded:
                outputs.append(teacher(x))
            for i, feature in zip(read, recorded, strict=True):
                features[i] = feature
        for hint, feature in zip(self.hints, features, strict=True):
            if feature is None:
                raise ValueError(
                    f"`hints`: {hint.name!r} found no output to read. Received: "
                    f"teacher_layer={hint.teacher_layer!r}, teacher_index="
                    f"{hint.teacher_index}, {len(teachers)} teacher(s). Name a layer "
                    "that runs, of a teacher that there is."
                )
        return outputs, features


def build_projections(
    features: Features,
    teachers: Sequence[Teacher],
    student: keras.Model,
    input_shape: Any,
) -> list[keras.layers.Dense | None]:
    """One projection per hint, from a symbolic pass through all models.

    Args:
      features: `Features`.
      teachers: list of `Teacher`s.
      student: `keras.Model`.
      input_shape: shapes of the inputs, for a student that does not know them.

    Returns:
      List with a built layer, or None, per hint.
    """
    hints = features.hints

    def both_sides(x: Any) -> tuple[list, list]:
        of_teachers = features.of_teachers(teachers, x)[1]
        with features.of_student() as of_student:
            student(x, training=False)
        return of_teachers, of_student

    if isinstance(student, keras.Sequential) and student.inputs:
        x = student.inputs[0]
    elif getattr(student, "inputs", None):
        x = student.input
    else:
        x = keras.tree.map_shape_structure(keras.KerasTensor, input_shape)
    widths = [
        projection_widths(hint, teacher, student)
        for hint, teacher, student in zip(
            hints, *symbolic_outputs(both_sides, x), strict=True
        )
    ]
    return restore_projections(hints, widths)


@dataclasses.dataclass(frozen=True)
class HintParts:
    """The hints between layers.

    Attributes:
      hints: n `FeatureHint`s.
      projections: n layers or Nones; empty before they are built.
    """

    hints: Sequence[FeatureHint]
    projections: Sequence[keras.layers.Dense | None]

    def __call__(self, batch: Batch) -> list[Mean]:
        """One mean per hint.

        Sample weights of positions weight the positions of the features, where these
        are the same and the hint tells them apart; else an example has their mean, as
        much as it has in the mean over all positions.
        """
        # Of several outputs none is the one that a layer belongs to.
        labels = batch.outputs[0].labels if len(batch.outputs) == 1 else None
        means = []
        for i, hint in enumerate(self.hints):
            inputs, mask = _aligned(
                hint,
                self.projections[i] if self.projections else None,
                batch.teacher_features[i],
                batch.student_features[i],
            )
            inputs = inputs._replace(
                labels=labels, groups=batch.targets.groups, training=batch.training
            )
            by_position = HINT_LOSSES[hint.loss].by_position and not hint.whole_batch
            # Else examples are compared whole.
            rows = inputs.student.shape[: -1 if by_position else 1]
            term = part_term(
                hint,
                inputs,
                _weights(batch.targets.sample_weight, rows),
                mask if by_position else None,
                where=f"the hint {hint.name!r}",
                rows=_one_each(inputs.student) if hint.whole_batch else None,
            )
            share = hint.warmup(batch.schedule.step) * hint.weight
            means.append(Mean(hint.name, 1.0, share, term))
        return means


def _weights(sample_weight: Any, rows: Sequence[int | None]) -> tf.Tensor | None:
    """The mean of the outputs' sample weights, of these rows.

    Args:
      sample_weight: weights `[batch, ...]`, a structure of them, or None.
      rows: the shape of what is weighted, `[batch, ...]`.

    Returns:
      Weights that broadcast against the rows, or None.
    """
    weights = [
        _weights_of_output(ops.cast(weight, "float32"), rows)
        for weight in keras.tree.flatten(sample_weight)
        if weight is not None
    ]
    return sum(weights) / len(weights) if weights else None


def _weights_of_output(weight: tf.Tensor, rows: Sequence[int | None]) -> tf.Tensor:
    # [batch, time, 1] is [batch, time].
    weight = align_rank(weight, min(len(weight.shape), len(rows)))
    if len(weight.shape) != len(rows) or any(
        size not in (1, row, None) and row is not None
        for size, row in zip(weight.shape[1:], rows[1:], strict=True)
    ):
        weight = ops.mean(weight, axis=tuple(range(1, len(weight.shape))))
    return align_rank(weight, len(rows))


def _one_each(features: tf.Tensor) -> tf.Tensor:
    return ops.ones((ops.shape(features)[0],))


def _aligned(
    hint: FeatureHint,
    projection: keras.layers.Dense | None,
    teacher_features: tf.Tensor,
    student_features: tf.Tensor,
) -> tuple[LossInputs, tf.Tensor | None]:
    """Features in float32, of one width, 0 where padded; the student's mask."""
    check_projection(hint, projection, teacher_features, student_features)
    mask = mask_of(student_features)
    teacher = ops.cast(teacher_features, "float32")
    student = ops.cast(student_features, "float32")
    if projection is not None:
        student = projection(student)
    if mask is not None:
        keep = ops.cast(ops.expand_dims(mask, -1), "bool")
        teacher = ops.where(keep, teacher, 0.0)
        student = ops.where(keep, student, 0.0)
    return LossInputs(student, teacher), mask
