"""Examples behind TFX's Transform: its graph goes into the student's export."""

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.tfx import reading
from pipelines.tfx import schema as schemas
from pipelines.tfx.reading import Reader


class TransformingReader(Reader):
    """Reads raw tf.Examples and transforms them as Transform did.

    Features, label and groups are named as Transform's preprocessing_fn names them; a
    group or a label that it leaves out is the raw one.

    Args:
      path: the TransformGraph.
      settings: as `pipelines.tfx.run_fn.run_fn` takes them; where "transformed" says
        so, the training examples are those that Transform has written.

    Raises:
      ValueError: as of `Reader`.
    """

    def __init__(self, path: str, settings: Mapping[str, Any]):
        output = _tensorflow_transform().TFTransformOutput(path)
        transformed = output.transformed_metadata.schema
        raw = output.raw_metadata.schema
        super().__init__(_both(transformed, raw, settings), settings)
        self._layer = output.transform_features_layer()
        self._is_written = settings["transformed"]
        self._raw = output.raw_feature_spec()
        self._served = self._needed(self._raw, self.spec.features)
        given = {feature.name for feature in transformed.feature}
        self._made = [name for name in self._targets if name in given]
        # A raw feature may have the name of a transformed one, and another type.
        self._read = {k: v for k, v in self._targets.items() if k not in self._made}

    def __call__(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The transformed features of serialized raw tf.Examples `[batch]`."""
        return reading.dense(self._columns, self._transformed(examples, self._served))

    def training(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        if self._is_written:
            of_features = super().__call__(examples)
            return {**of_features, **self.targets(examples)}
        return {**self(examples), **self.targets(examples)}

    def targets(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        if self._is_written:
            return super().targets(examples)
        parsed = tf.io.parse_example(examples, self._read) if self._read else {}
        if self._made:
            found = self._transformed(examples, self._raw)
            parsed |= {name: found[name] for name in self._made}
        return self._indices(parsed)

    def _transformed(
        self, examples: tf.Tensor, parsing: Mapping[str, Any]
    ) -> dict[str, Any]:
        return self._layer(tf.io.parse_example(examples, parsing))

    def _needed(self, raw: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
        """The raw features without which one of the wanted ones cannot be made.

        A request to a server has no label, and need not have what the student never
        sees.
        """
        nothing = tf.constant([], tf.string)
        needed = dict(raw)
        for name in raw:
            others = {key: value for key, value in needed.items() if key != name}
            if others and set(wanted) <= self._transformed(nothing, others).keys():
                needed = others
        return needed


def _both(
    transformed: schema_pb2.Schema,
    raw: schema_pb2.Schema,
    settings: Mapping[str, Any],
) -> schema_pb2.Schema:
    """Transform's schema, and the raw label and groups where it has none."""
    merged = schema_pb2.Schema()
    merged.CopyFrom(transformed)
    known = {feature.name for feature in transformed.feature}
    raw_known = {feature.name for feature in raw.feature}
    for name in (settings["label"], *settings["groups"]):
        if name not in known and name in raw_known:
            merged.feature.append(schemas.require(raw, name))
    merged.string_domain.extend(raw.string_domain)
    return merged


def _tensorflow_transform() -> Any:
    try:
        return importlib.import_module("tensorflow_transform")
    except ModuleNotFoundError as error:
        raise ValueError(
            "A transform_graph needs TensorFlow Transform, which TFX brings: pip "
            "install tfx."
        ) from error
