"""One output of the student with its labels and weights, and what y brings."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

# With one of these a dict y is not the labels of several outputs.
BESIDE_LABELS = (
    "teacher_logits",
    "teacher_inputs",
    "temperature",
    "groups",
    "loss_mask",
)
TARGET_KEYS = ("labels", *BESIDE_LABELS)


class Targets(NamedTuple):
    """What the second element of a batch holds.

    Attributes:
      labels: labels in the structure of the student's outputs, or None.
      teacher_logits: logits that replace the teacher's forward pass, or None.
      temperature: one temperature per example, `[batch]`, or None.
      groups: group codes `[batch]`, a dict of them, or None.
      sample_weight: sample weights, shared or per output, or None.
      teacher_inputs: what the teacher sees in place of the student's inputs, or None.
      loss_mask: booleans `[batch, ...]`, False where an entry shall not count, shared
        or per output, or None.
    """

    labels: Any
    teacher_logits: Any = None
    temperature: tf.Tensor | None = None
    groups: Any = None
    sample_weight: Any = None
    teacher_inputs: Any = None
    loss_mask: Any = None


class Output(NamedTuple):
    """One output of the student; everything that is not valid is set to 0.

    Attributes:
      name: name of the output.
      head: "softmax", "sigmoid", or None for an output without a soft term.
      teacher: logits `[batch, ..., classes]`, one per teacher, float32.
      student: logits `[batch, ..., classes]`, float32.
      labels: labels of this output, or None.
      weights: weights that broadcast against `[batch, ...]`, or None.
      mask: booleans that broadcast against `[batch, ...]`, or None.
      valid: the mask without the entries of weight 0, or None for all.
    """

    name: str
    head: str | None
    teacher: list[tf.Tensor]
    student: tf.Tensor
    labels: tf.Tensor | None
    weights: tf.Tensor | None
    mask: tf.Tensor | None
    valid: tf.Tensor | None


def split_targets(y: Any, sample_weight: Any = None) -> Targets:
    """Separates labels from what the data says beside them.

    Args:
      y: labels in any structure, or a dict with some of `BESIDE_LABELS` and, where
        there are labels, "labels".
      sample_weight: sample weights; Keras gives every entry of `y` its own.

    Returns:
      `Targets`.

    Raises:
      ValueError: if such a dict has other keys.
    """
    if not (isinstance(y, dict) and set(y) & set(BESIDE_LABELS)):
        return Targets(y, sample_weight=sample_weight)
    unknown = sorted(set(y) - set(TARGET_KEYS))
    if unknown:
        raise ValueError(
            f"`y` with one of {BESIDE_LABELS} may hold {TARGET_KEYS} only. "
            f"Received: keys {sorted(y)}. Move {unknown} into y['labels']."
        )
    if isinstance(sample_weight, dict) and set(sample_weight) == set(y):
        sample_weight = next(sample_weight[key] for key in TARGET_KEYS if key in y)
    return Targets(
        **{key: y.get(key) for key in TARGET_KEYS}, sample_weight=sample_weight
    )


def output_names(outputs: Any, model: keras.Model) -> list[str]:
    """Names of a model's outputs in the order of `keras.tree.flatten`.

    Args:
      outputs: structure of the model's outputs.
      model: the model; a Functional one names the outputs of a list.

    Returns:
      List of strings: the keys of a dict, joined by "/" where dicts nest.
    """
    if not keras.tree.is_nested(outputs):
        return list(getattr(model, "output_names", ["output"]))[:1]
    paths = [path for path, _ in keras.tree.flatten_with_path(outputs)]
    layers = getattr(model, "output_names", None)
    if layers and len(set(layers)) == len(paths) and not isinstance(outputs, dict):
        return list(layers)
    prefix = "" if isinstance(outputs, dict) else "output_"
    return [prefix + "/".join(str(key) for key in path) for path in paths]


def per_output(
    value: Any, names: Sequence[str], argument: str, *, shared: bool = False
) -> list:
    """Brings a value given per output into the order of the outputs.

    Args:
      value: one entry for a single output; a dict by output name; a list or
        tuple in the order of the outputs; or a nested structure of them.
      names: names of the outputs.
      argument: name of `value` in error messages.
      shared: whether a single entry stands for every output.

    Returns:
      List with one entry per name, None where nothing was given.

    Raises:
      ValueError: if the entries do not match the outputs.
    """
    if value is None:
        return [None] * len(names)
    if isinstance(value, dict) and set(value) <= set(names):
        return [value.get(name) for name in names]
    leaves = keras.tree.flatten(value)
    if len(leaves) == len(names):
        return leaves
    if shared and not keras.tree.is_nested(value):
        return [value] * len(names)
    given = sorted(value) if isinstance(value, dict) else f"{len(leaves)} entries"
    raise ValueError(
        f"`{argument}` does not match the student's outputs {names}. "
        f"Received: {given}. Pass a dict with these names or a list in this order."
    )


def make_output(
    name: str,
    head: str | None,
    teacher: Sequence[tf.Tensor],
    student: tf.Tensor,
    labels: tf.Tensor | None,
    weights: tf.Tensor | None,
    mask: tf.Tensor | None,
) -> Output:
    """Aligns one output's tensors and blanks what has no weight.

    Blanking keeps values that nobody means to train on, such as padding or
    infinite logits, out of the loss and of its gradient.

    Args:
      name: name of the output.
      head: "softmax", "sigmoid" or None.
      teacher: list of teacher logits `[batch, ..., classes]`.
      student: student logits `[batch, ..., classes]`, or `[batch]` for a
        single sigmoid.
      labels: labels, or None.
      weights: sample weights `[batch]` up to `[batch, ...]`, or None.
      mask: booleans `[batch, ...]`, or None.

    Returns:
      `Output`.

    Raises:
      ValueError: if teacher and student logits differ in shape.
    """
    student = _as_logits(student)
    teacher = [_as_logits(logits) for logits in teacher]
    for logits in teacher:
        _check_shapes(name, logits.shape, student.shape)
    labels = None if labels is None else ops.convert_to_tensor(labels)
    rank = len(student.shape) - 1
    if weights is not None:
        weights = align_rank(ops.cast(weights, "float32"), rank)
    valid = None if weights is None else ops.not_equal(weights, 0.0)
    if mask is not None:
        mask = align_rank(ops.cast(mask, "bool"), rank)
        valid = mask if valid is None else ops.logical_and(valid, mask)
    if valid is not None:
        student = _blank(student, valid)
        teacher = [_blank(logits, valid) for logits in teacher]
        labels = None if labels is None else _blank(labels, valid)
    return Output(name, head, teacher, student, labels, weights, mask, valid)


def _as_logits(logits: tf.Tensor) -> tf.Tensor:
    logits = ops.cast(logits, "float32")
    return ops.expand_dims(logits, -1) if len(logits.shape) == 1 else logits


def align_rank(tensor: tf.Tensor, rank: int) -> tf.Tensor:
    """Squeezes or appends axes of size 1 to give the tensor that rank."""
    while len(tensor.shape) > rank and tensor.shape[-1] == 1:
        tensor = ops.squeeze(tensor, -1)
    while len(tensor.shape) < rank:
        tensor = ops.expand_dims(tensor, -1)
    return tensor


def _blank(tensor: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    axes = len(tensor.shape) - len(valid.shape)
    for _ in range(axes):
        valid = ops.expand_dims(valid, -1)
    return ops.where(valid, tensor, ops.zeros_like(tensor))


def _check_shapes(name: str, teacher: tuple, student: tuple) -> None:
    same_rank = len(teacher) == len(student)
    pairs = zip(teacher[1:], student[1:], strict=False)
    if same_rank and len(student) > 2 and _differ(teacher[-1], student[-1]):
        raise ValueError(
            "`teacher` and `student` must have one vocabulary: logits of a position "
            f"are compared token by token. Received for output {name!r}: a teacher of "
            f"{teacher[-1]:,} tokens, a student of {student[-1]:,}. Use a teacher with "
            "the student's tokenizer."
        )
    if not same_rank or any(_differ(*pair) for pair in pairs):
        raise ValueError(
            "`teacher` and `student` must give logits of the same shape. Received "
            f"for output {name!r}: teacher {tuple(teacher)}, student "
            f"{tuple(student)}. Use a teacher with the student's classes."
        )


def _differ(one: int | None, other: int | None) -> bool:
    return None not in (one, other) and one != other
