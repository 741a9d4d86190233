"""A student and its mending as one Keras model."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kd_keras.distiller.settings import check_student
from kd_keras.mitigation.layers import GroupShift


def wrap(
    student: keras.Model,
    offsets: Sequence[Sequence[float]],
    *,
    group_model: keras.Model | None = None,
    group_input: str = "group",
    feature: str | None = None,
) -> keras.Model:
    """Puts a `GroupShift` behind a student.

    Args:
      student: a functional or sequential model that answers logits.
      offsets: as `GroupShift` has them.
      group_model: from the student's inputs to one logit per group; the highest one is
        the group. None takes the group as a further input.
      group_input: name of that input, integers `[batch]`.
      feature: name, beside the group, of the only input of a student that takes no
        dict; None for the name of the student's Input.

    Returns:
      A model of the student's inputs, with the group among them in a dict unless a
      model tells it. It shares the student's weights.

    Raises:
      ValueError: if the student gives no logits, or its inputs are not known.
    """
    check_student(student)
    inputs = _inputs(student)
    shift = GroupShift(offsets, name="mended")
    if group_model is not None:
        group = ops.argmax(_called(group_model, inputs), axis=-1)
        moved = shift(student.outputs[0], group)
        return keras.Model(inputs, moved, name=f"{student.name}_mended")
    if isinstance(inputs, dict):
        # The student's own layers: a model inside of a model hides its categories.
        taken, logits = inputs, student.outputs[0]
    else:
        name = feature or inputs.name
        taken = {name: keras.Input(inputs.shape[1:], dtype=inputs.dtype, name=name)}
        logits = student(taken[name])
    if group_input in taken:
        raise ValueError(
            "`group_input` must be a name that the student has no input of. Received: "
            f"{group_input!r}; the inputs are {list(taken)}. Pass another one."
        )
    group = keras.Input((), dtype="int64", name=group_input)
    return keras.Model(
        {**taken, group_input: group},
        shift(logits, group),
        name=f"{student.name}_mended",
    )


def _inputs(student: keras.Model) -> Any:
    """The student's symbolic input: a tensor, or a dict of them."""
    inputs = getattr(student, "inputs", None)
    if not inputs:
        raise ValueError(
            "`student` must be a functional or sequential model with an Input. "
            f"Received: {student.name!r} of type {type(student).__name__}. Make one: "
            "keras.Model(x, student(x)) with x = keras.Input(...)."
        )
    if isinstance(student, keras.Sequential):
        return inputs[0]
    structure = student.input
    if isinstance(structure, list | tuple):
        if len(structure) != 1:
            raise ValueError(
                "`student` must take one tensor or a dict of them. Received: a "
                f"{type(structure).__name__} of {len(structure)}. Name the inputs."
            )
        return structure[0]
    return structure


def _called(group_model: keras.Model, inputs: Any) -> Any:
    """The group's logits, of the student's own features where it is built on them."""
    own = keras.tree.flatten(inputs)
    theirs = group_model.inputs
    if len(own) == len(theirs) and all(
        a is b for a, b in zip(own, theirs, strict=True)
    ):
        return group_model.outputs[0]
    return group_model(inputs)
