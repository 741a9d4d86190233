"""What a data set consists of, said once for every stage that needs it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import tensorflow as tf

from kd_keras.datasets import columns, table_spec
from kd_keras.named import did_you_mean
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
      bins: attribute -> edges, where a table has a number instead of a group.
    """

    name: str
    features: Mapping[str, tf.TensorSpec]
    label: str
    class_names: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    example_id: str = "id"
    bins: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(
        cls,
        examples: Any,
        *,
        label: str,
        class_names: Sequence[str] | None = None,
        groups: table_spec.Groups | None = None,
        bins: Mapping[str, Sequence[float]] | None = None,
        features: Sequence[str] | None = None,
        example_id: str = "id",
        name: str = "data",
    ) -> Self:
        """The spec of one's own examples; shapes and dtypes are read from them.

        Args:
          examples: a tf.data.Dataset of single examples, dicts of tensors of known
            shapes; or a table, see `kd_keras.datasets.columns.read`.
          label, example_id, name: see the class.
          class_names: the classes in the order of their labels. A table's labels may
            be these names, booleans, or -1 and 1; None, of a table, where they are
            numbers from 0 on or booleans.
          groups: attribute -> its groups in their order. Of a table also a list of
            attributes, or None for the groups: those that occur, sorted.
          bins: attribute of a table -> edges, between which its numbers are groups:
            (30, 50) makes "under 30", "30 to under 50" and "50 and over".
          features: keys of what the model sees; None for all other keys.

        Raises:
          ValueError: if a key is missing, the examples are batches, nothing is left
            for the model to see, or labels or groups of a table do not fit.

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
        if columns.is_table(examples):
            fields = table_spec.describe(
                examples, label, class_names, groups, bins, features, example_id
            )
            return cls(name=name, **fields)
        element = getattr(examples, "element_spec", None)
        if element is None:
            raise TypeError(
                f"`examples` must be a tf.data.Dataset, or {columns.KINDS}. Received: "
                f"{type(examples).__name__}."
            )
        keys = list(element) if isinstance(element, Mapping) else []
        named = _known_groups(groups, class_names, bins)
        if features is None:
            told = {label, *named, example_id}
            features = [key for key in keys if key not in told]
        missing = [key for key in (*features, label, *named) if key not in keys]
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
            tuple(class_names or ()),
            named,
            example_id,
        )

    def examples(self, table: Any, *, also: Sequence[str] = ()) -> tf.data.Dataset:
        """The rows of a table as single examples, as `fit` and `audit` take them.

        Args:
          table: as of `of`; labels and groups are its own, names or numbers. With a
            spec of `kd_keras.datasets.load("table", ...)` columns may be called as in
            the file: "Debt (CHF)" is the feature "Debt_CHF", and "age" the attribute
            "age_group". Numbers of a category become texts.
          also: further columns to keep, such as weights.

        Returns:
          A tf.data.Dataset of dicts: features, class index, group indices and, where
          the table has it, the example id.

        Raises:
          ValueError: if a column is missing; labels, groups or ids do not fit; or a
            feature's dtype does not hold a number: a fraction or NaN where it is of
            integers, or one outside its range.
        """
        return table_spec.examples(self, table, also)

    def __post_init__(self) -> None:
        keys = [*self.features, self.label, *self.groups, self.example_id]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(
                "A feature, the label, the attributes and the example id need "
                f"distinct names. Received more than once: {twice}."
            )
        for what, names in (("class_names", self.class_names), *self.groups.items()):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(
                    f"Names of {what!r} must differ. Received more than once: {twice}."
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
                f"Unknown sensitive attribute {attribute!r}."
                f"{did_you_mean(attribute, self.groups)} Data set "
                f"{self.name!r} has: {sorted(self.groups) or 'none'}."
            )
        return self.groups[attribute]


def _known_groups(
    groups: table_spec.Groups | None,
    class_names: Sequence[str] | None,
    bins: Mapping[str, Sequence[float]] | None,
) -> dict[str, tuple[str, ...]]:
    """The groups of a tf.data.Dataset, which is not read to find them."""
    named = groups if isinstance(groups, Mapping) else dict.fromkeys(groups or ())
    unknown = [name for name, names in named.items() if names is None]
    if class_names is None or unknown or bins:
        what = "`bins` are" if bins else "Names of classes and groups are found"
        raise ValueError(
            f"{what} for tables only. Received: a tf.data.Dataset with class_names="
            f"{class_names!r}, groups={groups!r}. Give all names, of bins as well."
        )
    return {attribute: tuple(names or ()) for attribute, names in named.items()}


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A spec and its splits, each a tf.data.Dataset of single examples (dicts)."""

    spec: DatasetSpec
    splits: Mapping[str, tf.data.Dataset]
