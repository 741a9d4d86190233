"""Batches of what is audited: a table, or a tf.data.Dataset."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from kd_keras.datasets import columns, encode, table_spec
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.spec import DatasetSpec


class Labelled(NamedTuple):
    """A batch whose labels and groups are read.

    Attributes:
      labels: class indices, int64 `[batch]`.
      groups: attribute -> names of the examples' groups, None where missing.
      weights: float64 `[batch]`, or None.
      examples: the batch itself.
      teacher_logits: those that a `TeacherCache` has joined, or None.
    """

    labels: np.ndarray
    groups: dict[str, np.ndarray]
    weights: np.ndarray | None
    examples: Mapping[str, Any]
    teacher_logits: Any


def in_batches(
    dataset: Any, spec: DatasetSpec, sample_weight: str | None, batch_size: int
) -> tf.data.Dataset:
    """Batches of a table, of single examples, or of what is batched already.

    Raises:
      TypeError: if it is none of these.
      ValueError: if a key is missing, or it has no end.
    """
    also = [sample_weight] if sample_weight else []
    if columns.is_table(dataset):
        dataset = spec.examples(dataset, also=also)
    element = getattr(dataset, "element_spec", None)
    if not isinstance(element, dict):
        raise TypeError(
            "`dataset` must be a tf.data.Dataset of dicts, one entry per feature, "
            f"label and attribute, or {columns.KINDS}. Received: "
            f"{element or type(dataset).__name__}."
        )
    needed = [*spec.features, spec.label, *spec.groups, *also]
    missing = [key for key in needed if key not in element]
    if missing:
        raise ValueError(
            f"`dataset` must have the keys {needed} in its examples. Missing: "
            f"{missing}. Received: {sorted(element)}."
        )
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`dataset` must end. Received: one that repeats for ever.")
    label = element[spec.label]
    if isinstance(label, dict):
        label = label["labels"]
    if label.shape.rank == 0:
        dataset = dataset.batch(batch_size)
    return without_autotune(dataset.prefetch(2))


def decoded(
    batches: tf.data.Dataset, spec: DatasetSpec, sample_weight: str | None
) -> Iterator[Labelled]:
    """The batches that `in_batches` made: a number in them is an index.

    Raises:
      ValueError: if a label, a group or a weight does not fit.
    """
    first = 0
    for batch in batches:
        label = batch[spec.label]
        logits = label["teacher_logits"] if isinstance(label, dict) else None
        label = label["labels"] if isinstance(label, dict) else label
        if not len(label):
            continue
        found = {spec.label: label, **{name: batch[name] for name in spec.groups}}
        if sample_weight:
            found[sample_weight] = batch[sample_weight]
        try:
            found = columns.read({k: tensor.numpy() for k, tensor in found.items()})
            labels, codes = table_spec.indices_of_examples(spec, found)
            weights = None
            if sample_weight:
                weights = encode.weights(sample_weight, found[sample_weight])
        except ValueError as error:
            where = f"`dataset`, examples {first} to {first + len(label) - 1}"
            raise ValueError(f"{where}: {error}") from error
        groups = {
            name: np.array([*spec.groups[name], None], object)[index]
            for name, index in codes.items()
        }
        yield Labelled(labels, groups, weights, batch, logits)
        first += len(label)
