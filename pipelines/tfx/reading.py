"""How the tf.Examples of a pipeline become what a student sees and learns."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kd_keras.datasets.spec import DatasetSpec
from pipelines.tfx import schema as schemas
from pipelines.tfx import targets

# Key of the serialized tf.Example in a batch.
SERIALIZED = "serialized_example"


class Reader(tf.Module):
    """Reads serialized tf.Examples by a schema.

    Called, it gives the student's features alone: an export's `serving_default` reads
    so, and holds what reading needs.

    Args:
      schema: of the tf.Examples.
      settings: as `pipelines.tfx.run_fn.run_fn` takes them.

    Attributes:
      spec: the student's features, the classes and the groups.

    Raises:
      ValueError: if the schema lacks something that the settings name.
    """

    def __init__(self, schema: schema_pb2.Schema, settings: Mapping[str, Any]):
        super().__init__(name="reader")
        self._columns = columns(schema, settings)
        self.spec = spec(schema, settings, self._columns)
        self._targets = {
            name: schemas.scalar(schema, name)
            for name in (self.spec.label, *self.spec.groups)
        }

    def __call__(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Feature -> `[batch, *shape]`, of serialized tf.Examples `[batch]`."""
        parsing = {name: column.parsing for name, column in self._columns.items()}
        return dense(self._columns, tf.io.parse_example(examples, parsing))

    def training(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The features, the class index and the groups' indices of a batch."""
        return {**self(examples), **self.targets(examples)}

    def targets(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The class index and the groups' indices, int64 `[batch]` each."""
        return self._indices(tf.io.parse_example(examples, self._targets))

    def _indices(self, parsed: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        spec = self.spec
        return targets.in_graph(parsed, spec.label, spec.class_names, spec.groups)


def columns(
    schema: schema_pb2.Schema, settings: Mapping[str, Any]
) -> dict[str, schemas.Column]:
    """How the student's features are read."""
    names, shape = settings["features"], settings["image_shape"]
    return schemas.columns(schema, names, shape, settings["max_values"])


def dense(
    columns: Mapping[str, schemas.Column], parsed: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """A parsed batch as dense tensors."""
    return {name: column.dense(parsed[name]) for name, column in columns.items()}


def spec(
    schema: schema_pb2.Schema,
    settings: Mapping[str, Any],
    columns: Mapping[str, schemas.Column],
) -> DatasetSpec:
    """What the student sees, the classes and the groups."""
    schemas.require(schema, settings["label"])
    return DatasetSpec(
        name="examples",
        features={name: column.spec for name, column in columns.items()},
        label=settings["label"],
        class_names=tuple(settings["class_names"]),
        groups=targets.group_names(schema, settings["groups"]),
        example_id=SERIALIZED,
    )
