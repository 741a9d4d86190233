"""Data whose group the model reads, as a feature beside the attribute."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras.datasets.spec import Dataset, DatasetSpec


def named_groups(spec: DatasetSpec, attribute: str, indices: Any) -> np.ndarray:
    """The groups of examples by name, as `fit` and `predict` take them.

    Args:
      spec: the data set's spec.
      attribute: the sensitive attribute.
      indices: its values in the examples, integers `[examples]`, -1 where missing.

    Returns:
      Names, None where missing, `[examples]`.
    """
    names = spec.require_attribute(attribute)
    return np.array([*names, None], object)[np.asarray(indices)]


def with_group_feature(
    dataset: Dataset, attribute: str, *, name: str = "group"
) -> Dataset:
    """Adds a feature that holds the group, for a model that `wrap` made.

    The attribute stays what examples are judged by. So the audit, the signatures of an
    export, TFMA, the gate and LiteRT give the model its group like any feature.

    Args:
      dataset: spec and splits.
      attribute: the sensitive attribute that the model reads.
      name: of the feature, an int64 scalar: the index of the group, -1 where missing.

    Returns:
      The data set with one more feature.

    Raises:
      ValueError: if there is no such attribute, or the name is taken.
    """
    spec = dataset.spec
    spec.require_attribute(attribute)

    def add(example: Mapping[str, Any]) -> dict[str, Any]:
        return {**example, name: tf.cast(example[attribute], tf.int64)}

    features = {**spec.features, name: tf.TensorSpec((), tf.int64)}
    if name in (*spec.features, *spec.groups, spec.label, spec.example_id):
        raise ValueError(
            "`name` must be that of no feature, attribute, label or id yet. Received: "
            f"{name!r}. Pass another one."
        )
    return Dataset(
        dataclasses.replace(spec, features=features),
        {split: examples.map(add) for split, examples in dataset.splits.items()},
    )
