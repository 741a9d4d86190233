"""Logits of sequences that are made, and compared, a few positions at a time."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from kd_keras.distiller.batch import Batch, Mean, both_masks
from kd_keras.distiller.chunks import part_of_time, sum_over_chunks
from kd_keras.distiller.heads import Head, split, split_if_possible
from kd_keras.distiller.objective import Part
from kd_keras.distiller.outputs import Targets, align_rank
from kd_keras.distiller.reduction import Term
from kd_keras.distiller.teacher import Teacher
from kd_keras.keras_internals import mask_of


class Source(NamedTuple):
    """What the logits of a batch are made of.

    Attributes:
      states: hidden states `[batch, time, width]`; the logits where there is no head.
      head: `Head`, or None.
      values: the values of the head's weights.
    """

    states: tf.Tensor
    head: Head | None = None
    values: Sequence[tf.Tensor] = ()

    def logits(self, states: tf.Tensor, values: Sequence[tf.Tensor]) -> tf.Tensor:
        """Logits of some of the states, with these values."""
        return states if self.head is None else self.head.logits(states, values)


class TokenChunks:
    """A student cut before its head. No Keras layer, which would own the parts.

    Args:
      student: as in `heads.split`.
      size: positions whose logits are held at a time.

    Raises:
      ValueError: if the student cannot be cut, or its logits have no positions.
    """

    def __init__(self, student: keras.Model, size: int):
        self.size = size
        self._student = split(student, "student")
        shape = student.outputs[0].shape
        if len(shape) != 3:
            raise ValueError(
                "`time_chunk` needs a student whose logits are [batch, time, "
                f"vocabulary]. Received: time_chunk={size} with {student.name!r}, "
                f"whose logits are {tuple(shape)}. Pass time_chunk=None."
            )

    def of_student(self, x: Any, training: bool) -> Source:
        """The student's hidden states, through which gradients flow."""
        hidden, head = self._student
        states = x if hidden is None else hidden(x, training=training)
        return Source(states, head, head.values())

    def of_teachers(self, teachers: Sequence[Teacher], x: Any) -> list[Source]:
        """The teachers' hidden states; logits where one cannot be cut."""
        return [_of_teacher(teacher, x) for teacher in teachers]


def _of_teacher(teacher: Teacher, x: Any) -> Source:
    parts = split_if_possible(teacher.model)
    if parts is None:
        return Source(teacher(x))
    states = x if parts.hidden is None else Teacher(parts.hidden)(x)
    return Source(states, parts.head, parts.head.values())


def means_in_chunks(
    parts: Sequence[Part],
    to_batch: Callable[[tf.Tensor, list[tf.Tensor], Targets], Batch],
    student: Source,
    teachers: Sequence[Source],
    targets: Targets,
    size: int,
) -> tuple[list[Mean], tf.Tensor]:
    """What the parts of the loss give for all positions, `size` at a time.

    Args:
      parts: the parts of the loss that read logits.
      to_batch: function (student's logits, teachers' logits, targets) of some
        positions -> `Batch`.
      student: `Source`.
      teachers: `Source`s.
      targets: `Targets` of all positions.
      size: positions at a time.

    Returns:
      The means of all positions, and the number of valid entries, a scalar.
    """
    student, teachers, targets = _padded(student, teachers, targets, size)

    def batch_of(start: Any, length: int, states: Any, values: Any) -> Batch:
        given = [
            source.logits(part_of_time(source.states, start, length), source.values)
            for source in teachers
        ]
        positions = targets._replace(
            labels=_part(targets.labels, start, length),
            sample_weight=_part(targets.sample_weight, start, length),
            loss_mask=_part(targets.loss_mask, start, length),
        )
        return to_batch(student.logits(states, values), given, positions)

    trained = student.head.are_trained() if student.head else []

    def sums(start: tf.Tensor, states: tf.Tensor, changing: Any) -> tf.Tensor:
        rest = iter(changing)
        values = [
            next(rest) if is_trained else value
            for value, is_trained in zip(student.values, trained, strict=True)
        ]
        batch = batch_of(start, size, states, values)
        terms = [mean.term for part in parts for mean in part(batch)]
        numbers = [number for term in terms for number in term]
        return tf.stack([tf.cast(n, tf.float32) for n in (*numbers, batch.entries())])

    # Names and coefficients are those of any positions, also of none.
    none = batch_of(0, 0, part_of_time(student.states, 0, 0), student.values)
    means = [mean for part in parts for mean in part(none)]
    number = 3 * len(means) + 1
    # The gradient of a frozen head, as large as the head, is not made.
    changing = list(itertools.compress(student.values, trained))
    summed = sum_over_chunks(sums, student.states, changing, size, number)
    totals = tf.unstack(summed)
    of_all = [
        mean._replace(term=Term(*totals[3 * i : 3 * i + 3]))
        for i, mean in enumerate(means)
    ]
    return of_all, totals[-1]


def _padded(
    student: Source, teachers: Sequence[Source], targets: Targets, size: int
) -> tuple[Source, list[Source], Targets]:
    """All with a multiple of `size` positions, those at the end masked."""
    shape = ops.shape(student.states)
    extra = -shape[1] % size
    one_each = (shape[0], shape[1])
    mask = both_masks(mask_of(student.states), _only(targets.loss_mask))
    if mask is not None:
        mask = tf.broadcast_to(align_rank(ops.cast(mask, "bool"), 2), one_each)
    elif not isinstance(extra, int) or extra:
        mask = tf.ones(one_each, tf.bool)
    weights = _only(targets.sample_weight)
    if weights is not None:
        weights = align_rank(ops.cast(weights, "float32"), 2)
        weights = tf.broadcast_to(weights, one_each)
    targets = targets._replace(
        labels=_longer(_only(targets.labels), extra),
        sample_weight=_longer(weights, extra),
        loss_mask=_longer(mask, extra),
    )
    sources = [
        source._replace(states=_longer(source.states, extra))
        for source in (student, *teachers)
    ]
    return sources[0], sources[1:], targets


def _only(value: Any) -> tf.Tensor | None:
    """The one tensor of a structure, or None."""
    leaves = [leaf for leaf in keras.tree.flatten(value) if leaf is not None]
    return ops.convert_to_tensor(leaves[0]) if leaves else None


def _longer(tensor: Any, extra: Any) -> Any:
    """`[batch, time, ...]` with zeros for `extra` positions more."""
    if tensor is None or (isinstance(extra, int) and not extra):
        return tensor
    rest = [[0, 0]] * (len(tensor.shape) - 2)
    return tf.pad(tensor, [[0, 0], [0, extra], *rest])


def _part(tensor: Any, start: Any, length: int) -> Any:
    return None if tensor is None else part_of_time(tensor, start, length)
