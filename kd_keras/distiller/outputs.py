"""Model outputs, labels and weights of a batch as one flat list."""

from typing import Any, NamedTuple

import keras
from keras import ops

TARGET_KEYS = ("labels", "teacher_logits", "temperature")


class Targets(NamedTuple):
    """What the second element of a batch holds.

    Attributes:
        labels: Labels in the structure of the student's outputs, or None.
        teacher_logits: Logits that replace the teacher's forward pass, or None.
        temperature: One temperature per example, `[batch]`, or None.
        sample_weight: Sample weights, shared or per output, or None.
    """

    labels: Any
    teacher_logits: Any
    temperature: Any
    sample_weight: Any


class Output(NamedTuple):
    """One output of the student; everything that is not valid is set to 0.

    Attributes:
        name: Name of the output.
        head: "softmax", "sigmoid", or None for an output without a soft term.
        teacher: Logits `[batch, ..., classes]`, one per teacher, float32.
        student: Logits `[batch, ..., classes]`, float32.
        labels: Labels of this output, or None.
        weights: Weights that broadcast against `[batch, ...]`, or None.
        mask: Booleans that broadcast against `[batch, ...]`, or None.
        valid: The mask without the entries of weight 0, or None for all.
    """

    name: str
    head: str | None
    teacher: list
    student: Any
    labels: Any
    weights: Any
    mask: Any
    valid: Any


def split_targets(y, sample_weight=None):
    """Separates labels from what the data says about the teacher.

    Args:
        y: Labels in any structure, or a dict with "teacher_logits" or
            "temperature" and, where there are labels, "labels".
        sample_weight: Sample weights; Keras gives every entry of `y` its own.

    Returns:
        `Targets`.

    Raises:
        ValueError: If such a dict has other keys.
    """
    if not (isinstance(y, dict) and ("teacher_logits" in y or "temperature" in y)):
        return Targets(y, None, None, sample_weight)
    unknown = sorted(set(y) - set(TARGET_KEYS))
    if unknown:
        raise ValueError(
            f"`y` with 'teacher_logits' or 'temperature' may hold {TARGET_KEYS} only. "
            f"Received: keys {sorted(y)}. Move {unknown} into y['labels']."
        )
    if isinstance(sample_weight, dict) and set(sample_weight) == set(y):
        sample_weight = next(sample_weight[key] for key in TARGET_KEYS if key in y)
    return Targets(
        y.get("labels"), y.get("teacher_logits"), y.get("temperature"), sample_weight
    )


def output_names(outputs, model):
    """Names of a model's outputs in the order of `keras.tree.flatten`.

    Args:
        outputs: Structure of the model's outputs.
        model: The model; a Functional one names the outputs of a list.

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


def per_output(value, names, argument, *, shared=False):
    """Brings a value given per output into the order of the outputs.

    Args:
        value: One entry for a single output; a dict by output name; a list or
            tuple in the order of the outputs; or a nested structure of them.
        names: Names of the outputs.
        argument: Name of `value` in error messages.
        shared: Whether a single entry stands for every output.

    Returns:
        List with one entry per name, None where nothing was given.

    Raises:
        ValueError: If the entries do not match the outputs.
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


def make_output(name, head, teacher, student, labels, weights, mask):
    """Aligns one output's tensors and blanks what has no weight.

    Blanking keeps values that nobody means to train on, such as padding or
    infinite logits, out of the loss and of its gradient.

    Args:
        name: Name of the output.
        head: "softmax", "sigmoid" or None.
        teacher: List of teacher logits `[batch, ..., classes]`.
        student: Student logits `[batch, ..., classes]`, or `[batch]` for a
            single sigmoid.
        labels: Labels, or None.
        weights: Sample weights `[batch]` up to `[batch, ...]`, or None.
        mask: Booleans `[batch, ...]`, or None.

    Returns:
        `Output`.

    Raises:
        ValueError: If teacher and student logits differ in shape.
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


def _as_logits(logits):
    logits = ops.cast(logits, "float32")
    return ops.expand_dims(logits, -1) if len(logits.shape) == 1 else logits


def align_rank(tensor, rank):
    """Squeezes or appends axes of size 1 to give the tensor that rank."""
    while len(tensor.shape) > rank and tensor.shape[-1] == 1:
        tensor = ops.squeeze(tensor, -1)
    while len(tensor.shape) < rank:
        tensor = ops.expand_dims(tensor, -1)
    return tensor


def _blank(tensor, valid):
    axes = len(tensor.shape) - len(valid.shape)
    for _ in range(axes):
        valid = ops.expand_dims(valid, -1)
    return ops.where(valid, tensor, ops.zeros_like(tensor))


def _check_shapes(name, teacher, student):
    same_rank = len(teacher) == len(student)
    pairs = zip(teacher[1:], student[1:], strict=False)
    if not same_rank or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(
            "`teacher` and `student` must give logits of the same shape. Received "
            f"for output {name!r}: teacher {tuple(teacher)}, student "
            f"{tuple(student)}. Use a teacher with the student's classes."
        )
