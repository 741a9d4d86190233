"""What a data set consists of, said once for every stage that needs it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import tensorflow as tf

from kd_keras.table import Table


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

    @classmethod
    def of(
        cls,
        examples: tf.data.Dataset,
        *,
        label: str,
        class_names: Sequence[str],
        groups: Mapping[str, Sequence[str]] | None = None,
        features: Sequence[str] | None = None,
        example_id: str = "id",
        name: str = "data",
    ) -> Self:
        """The spec of one's own examples; shapes and dtypes are read from them.

        Args:
          examples: single examples, dicts of tensors of known shapes.
          label, class_names, groups, example_id, name: see the class.
          features: keys of what the model sees; None for all other keys.

        Raises:
          ValueError: if a key is missing, the examples are batches, or nothing is
            left for the model to see.

        Example:

        ```python
        examples = tf.data.Dataset.from_tensor_slices(
            {
                "image": images,  # uint8 [examples, 28, 28, 1]
                "digit": digits,  # int64 [examples], 0 to 9
                "writer": writers,  # int64 [examples], 0 or 1; -1 where unknown
                "id": [str(i) for i in range(len(images))],
            }
        )
        spec = DatasetSpec.of(
            examples,
            label="digit",
            class_names=[str(digit) for digit in range(10)],
            groups={"writer": ("pupil", "clerk")},
        )
        ```
        """
        element = examples.element_spec
        keys = list(element) if isinstance(element, Mapping) else []
        groups = groups or {}
        if features is None:
            told = {label, *groups, example_id}
            features = [key for key in keys if key not in told]
        missing = [key for key in (*features, label, *groups) if key not in keys]
        if missing or not features:
            raise ValueError(
                "`examples` must be dicts with the label, the attributes and at least "
                f"one feature. Received the keys {keys}. "
                + (f"Missing: {missing}." if missing else "Nothing is left as feature.")
            )
        if element[label].shape.rank != 0:
            raise ValueError(
                f"`examples` must be single examples, with a scalar {label!r}. "
                f"Received: shape {element[label].shape}. Call examples.unbatch()."
            )
        return cls(
            name,
            {key: element[key] for key in features},
            label,
            tuple(class_names),
            {attribute: tuple(names) for attribute, names in groups.items()},
            example_id,
        )

    def __post_init__(self) -> None:
        keys = [*self.features, self.label, *self.groups, self.example_id]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(
                "A feature, the label, the attributes and the example id need "
                f"distinct names. Received more than once: {twice}."
            )
        broken = [name for name in self.class_names if len(name.splitlines()) > 1]
        if broken:
            raise ValueError(
                "`class_names` must be names without line breaks: an export lists them "
                f"one a line. Received: {broken[0]!r}."
            )

    def _repr_html_(self) -> str:
        rows = [
            (name, "feature", f"{feature.dtype.name} {list(feature.shape)}")
            for name, feature in self.features.items()
        ]
        rows.append((self.label, "label", ", ".join(self.class_names)))
        rows += [(n, "attribute", ", ".join(names)) for n, names in self.groups.items()]
        rows.append((self.example_id, "example id", "string"))
        return Table(self.name, ("key", "kind", "values"), rows).html()

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
