"""Hints: features of the teacher's and the student's layers, compared."""

import keras
from keras import ops
from keras.src import backend

from kd_keras.distiller.objective import Part
from kd_keras.distiller.recording import find_layer, record_outputs
from kd_keras.distiller.reduction import (
    Term,
    all_gather,
    mean_term,
    replicas,
)
from kd_keras.losses.hints import HINT_LOSSES, relational_distance


def projection_widths(hint, teacher_features, student_features):
    """Widths between which a hint needs a projection.

    Args:
        hint: `FeatureHint`.
        teacher_features: Tensor or symbolic tensor `[batch, ..., channels]`.
        student_features: Tensor or symbolic tensor `[batch, ..., channels]`.

    Returns:
        (student width, teacher width), or None if none is needed.

    Raises:
        ValueError: If the positions of the features differ.
    """
    teacher, student = tuple(teacher_features.shape), tuple(student_features.shape)
    if hint.loss == "relational":
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
    if hint.loss == "attention_transfer" or teacher[-1] == student[-1]:
        return None
    return student[-1], teacher[-1]


def make_projection(hint, widths):
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


def check_projection(hint, projection, teacher_features, student_features):
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


def hint_term(hint, teacher_features, student_features, projection, weights):
    """Mean distance between two layers' features.

    Args:
        hint: `FeatureHint`.
        teacher_features: Tensor `[batch, ..., channels]`.
        student_features: Tensor `[batch, ..., channels]`.
        projection: Layer for the student's features, or None.
        weights: Weights of the examples `[batch]`, or None.

    Returns:
        `Term`.
    """
    check_projection(hint, projection, teacher_features, student_features)
    mask = getattr(student_features, "_keras_mask", None)
    teacher = ops.cast(teacher_features, "float32")
    student = ops.cast(student_features, "float32")
    if projection is not None:
        student = projection(student)
    if mask is not None:
        keep = ops.cast(ops.expand_dims(mask, -1), "bool")
        teacher = ops.where(keep, teacher, 0.0)
        student = ops.where(keep, student, 0.0)
    if hint.loss == "relational":
        return _relational_term(teacher, student, weights)
    values = HINT_LOSSES[hint.loss](teacher, student)
    if mask is not None and len(mask.shape) != len(values.shape):
        mask = None
    return mean_term(values, weights, mask)


def _relational_term(teacher, student, weights):
    """Pairs reach over the examples of all replicas."""
    entries = ops.cast(ops.shape(student)[0], "float32")
    if weights is None:
        weights = ops.ones((ops.shape(student)[0],))
    weights = all_gather(weights)
    values = relational_distance(all_gather(teacher), all_gather(student), weights)
    return Term(ops.sum(values * weights) / replicas(), entries, entries)


def hint_parts(settings, teacher_features, student_features, sample_weight):
    """The parts of the loss that compare features.

    Args:
        settings: The Distiller, for its n `hints` and its `projections`.
        teacher_features: n tensors.
        student_features: n tensors.
        sample_weight: Sample weights, shared or per output; the mean of those of
            whole examples, `[batch]`, applies to the hints.

    Returns:
        List of n `Part`s.
    """
    weights = [
        ops.reshape(ops.cast(weight, "float32"), (-1,))
        for weight in keras.tree.flatten(sample_weight)
        if weight is not None and all(size == 1 for size in weight.shape[1:])
    ]
    mean = sum(weights) / len(weights) if weights else None
    parts = []
    for i, hint in enumerate(settings.hints):
        projection = settings.projections[i] if settings.projections else None
        term = hint_term(
            hint, teacher_features[i], student_features[i], projection, mean
        )
        parts.append(Part(hint.name, 1.0, hint.weight, term))
    return parts


class Features:
    """Where the hints of one student read.

    Args:
        student: `keras.Model`.
        hints: List of `FeatureHint`s.

    Raises:
        ValueError: If the student has no such layer.
    """

    def __init__(self, student, hints):
        self._hints = hints
        self._student_layers = [
            find_layer(student, hint.student_layer, "student_layer") for hint in hints
        ]

    def of_student(self):
        """Context in which the student's features are recorded."""
        return record_outputs(self._student_layers)

    def of_teachers(self, teachers, x):
        """Runs each teacher once.

        Args:
            teachers: List of `Teacher`s.
            x: Inputs.

        Returns:
            List of the teachers' outputs; list with one tensor per hint.

        Raises:
            ValueError: If a hint names a teacher or a layer that did not run.
        """
        outputs, features = [], [None] * len(self._hints)
        for index, teacher in enumerate(teachers):
            read = [i for i, h in enumerate(self._hints) if h.teacher_index == index]
            layers = [
                find_layer(teacher.model, self._hints[i].teacher_layer, "teacher_layer")
                for i in read
            ]
            with record_outputs(layers) as recorded:
                outputs.append(teacher(x))
            for i, feature in zip(read, recorded, strict=True):
                features[i] = feature
        for hint, feature in zip(self._hints, features, strict=True):
            if feature is None:
                raise ValueError(
                    f"`hints`: {hint.name!r} found no output to read. Received: "
                    f"teacher_layer={hint.teacher_layer!r}, teacher_index="
                    f"{hint.teacher_index}, {len(teachers)} teacher(s). Name a layer "
                    "that runs, of a teacher that there is."
                )
        return outputs, features


def build_projections(features, teachers, student, input_shape):
    """One projection per hint, from a symbolic pass through all models.

    Args:
        features: `Features`.
        teachers: List of `Teacher`s.
        student: `keras.Model`.
        input_shape: Shapes of the inputs, for a student that does not know them.

    Returns:
        List with a built layer, or None, per hint.
    """
    hints = features._hints

    def both_sides(x):
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
            hints, *backend.compute_output_spec(both_sides, x), strict=True
        )
    ]
    return restore_projections(hints, widths)


def restore_projections(hints, widths):
    """Built projections of the given widths.

    Args:
        hints: List of n `FeatureHint`s.
        widths: List with (student width, teacher width), or None, per hint.

    Returns:
        List with a layer, or None, per hint.
    """
    return [
        pair and make_projection(hint, pair)
        for hint, pair in zip(hints, widths, strict=True)
    ]
