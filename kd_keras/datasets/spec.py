"""What a data set consists of, said once for every stage that needs it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class DatasetSpec:
    """The names and shapes of one data set.

    The input pipeline, the tf.Example schema, the exported model's signatures and
    TFMA's slices are all derived from it. An example is a dict with one entry per
    feature, the label, one entry per attribute and the example id.

    Attributes:
      name: name of the data set.
      features: what the model sees: feature name -> tf.TensorSpec of one example,
        without batch axis. A uint8 feature of rank 3 is an image.
      label: key of the label, an int64 scalar in [0, num_classes).
      class_names: the classes in the order of their labels.
      groups: sensitive attribute -> its group names. In an example an attribute is
        an int64 scalar, the index of the group, or -1 where it is missing. The
        attributes are no inputs of the model.
      example_id: key of the example id, a string scalar, unique in the data set.
    """

    name: str
    features: Mapping[str, tf.TensorSpec]
    label: str
    class_names: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    example_id: str = "id"

    def __post_init__(self) -> None:
        keys = [*self.features, self.label, *self.groups, self.example_id]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(
                "A feature, the label, the attributes and the example id need "
                f"distinct names. Received more than once: {twice}."
            )

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def inputs(self, example: Mapping[str, Any]) -> Any:
        """The model's input: the tensor of a single feature, else a dict of them."""
        if len(self.features) == 1:
            return example[next(iter(self.features))]
        return {name: example[name] for name in self.features}

    def require_attribute(self, attribute: str) -> tuple[str, ...]:
        """The group names of `attribute`; ValueError where there is no such one."""
        if attribute not in self.groups:
            raise ValueError(
                f"Unknown sensitive attribute {attribute!r}. Data set {self.name!r} "
                f"has: {sorted(self.groups) or 'none'}."
            )
        return self.groups[attribute]


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A spec and its splits, each a tf.data.Dataset of single examples (dicts)."""

    spec: DatasetSpec
    splits: Mapping[str, tf.data.Dataset]
