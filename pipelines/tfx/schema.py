"""What TFX's schema says of a column, and how a model is to see it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kd_keras import files
from kd_keras.datasets.examples import decode_images, is_image

# What stands where an example has no value.
MISSING: dict[tf.DType, Any] = {tf.float32: 0.0, tf.int64: -1, tf.string: ""}
_TYPES = {
    schema_pb2.BYTES: tf.string,
    schema_pb2.FLOAT: tf.float32,
    schema_pb2.INT: tf.int64,
}


@dataclasses.dataclass(frozen=True)
class Column:
    """A feature as a model sees it, and how it is read out of a tf.Example.

    Attributes:
      spec: shape and dtype of one example's value, always dense.
      parsing: what `tf.io.parse_example` takes.
    """

    spec: tf.TensorSpec
    parsing: Any

    def dense(self, parsed: Any) -> tf.Tensor:
        """A batch of what was parsed as `[batch, *spec.shape]`.

        Lists of several lengths are cut, or filled with MISSING; a sparse vector is
        filled with zeros, of strings with "".
        """
        if is_image(self.spec):
            return decode_images(parsed, self.spec)
        if isinstance(self.parsing, tf.io.VarLenFeature):
            missing = MISSING[self.parsing.dtype]
            ragged = tf.RaggedTensor.from_sparse(parsed)
            parsed = ragged.to_tensor(missing, shape=[None, *self.spec.shape])
        elif isinstance(parsed, tf.SparseTensor):
            empty = "" if self.spec.dtype == tf.string else 0
            parsed = tf.sparse.to_dense(parsed, empty)
        return tf.reshape(parsed, [-1, *self.spec.shape])


def read(path: str) -> schema_pb2.Schema:
    """The schema of a file schema.pbtxt."""
    return text_format.Parse(files.read_text(path), schema_pb2.Schema())


def columns(
    schema: schema_pb2.Schema,
    names: Sequence[str],
    image_shape: Sequence[int] | None = None,
    max_values: Mapping[str, int] | None = None,
) -> dict[str, Column]:
    """How features are read.

    Args:
      schema: TFX's.
      names: features and sparse features of the schema.
      image_shape: height, width and channels of encoded images.
      max_values: multi-valued feature -> how many of its values the model sees;
        without it as many as the schema's value_count allows.

    Raises:
      ValueError: if the schema has no such feature, or a size is said nowhere.
    """
    known = {feature.name: feature for feature in schema.feature}
    sparse = {feature.name: feature for feature in schema.sparse_feature}
    found = {}
    for name in names:
        if name in sparse:
            found[name] = _sparse(sparse[name], known)
        else:
            feature = require(schema, name)
            found[name] = _column(feature, image_shape, (max_values or {}).get(name))
    return found


def require(schema: schema_pb2.Schema, name: str) -> schema_pb2.Feature:
    """That feature; ValueError if the schema has it not."""
    known = {feature.name: feature for feature in schema.feature}
    if name not in known:
        names = sorted({*known, *(feature.name for feature in schema.sparse_feature)})
        raise ValueError(
            f"The feature {name!r} is named, and the schema has {names}. Name one of "
            "these."
        )
    return known[name]


def scalar(schema: schema_pb2.Schema, name: str) -> tf.io.FixedLenFeature:
    """How a label or an attribute is read, which an example may lack."""
    dtype = _TYPES[require(schema, name).type]
    missing = float("nan") if dtype == tf.float32 else MISSING[dtype]
    return tf.io.FixedLenFeature([], dtype, missing)


def domain(schema: schema_pb2.Schema, name: str) -> tuple[str, ...]:
    """The strings that the schema allows for a feature; empty where it says none."""
    feature = require(schema, name)
    if feature.HasField("string_domain"):
        return tuple(feature.string_domain.value)
    shared = {known.name: tuple(known.value) for known in schema.string_domain}
    return shared.get(feature.domain, ())


def _column(
    feature: schema_pb2.Feature, image_shape: Any, max_values: int | None
) -> Column:
    dtype = _TYPES[feature.type]
    if feature.HasField("image_domain"):
        if not image_shape:
            raise ValueError(
                f"The feature {feature.name!r} is an image: image_shape must say "
                "[height, width, channels]. Received: none."
            )
        spec = tf.TensorSpec(image_shape, tf.uint8)
        return Column(spec, tf.io.FixedLenFeature([], tf.string))
    if feature.HasField("shape"):
        shape = [dim.size for dim in feature.shape.dim]
        # A schema inferred from data gives a scalar the shape [1].
        shape = [] if shape == [1] else shape
        return Column(tf.TensorSpec(shape, dtype), _fixed(feature, shape, dtype))
    most = max_values or feature.value_count.max
    if not most:
        raise ValueError(
            f"The feature {feature.name!r} has any number of values: its value_count "
            "in the schema, or max_values, must say how many the model is to see. "
            "Received: neither."
        )
    if most == 1:
        return Column(tf.TensorSpec([], dtype), _fixed(feature, [], dtype))
    return Column(tf.TensorSpec([most], dtype), tf.io.VarLenFeature(dtype))


def _fixed(
    feature: schema_pb2.Feature, shape: list[int], dtype: tf.DType
) -> tf.io.FixedLenFeature:
    """An example without it is refused only where the schema says that all have it."""
    if feature.presence.min_fraction == 1:
        return tf.io.FixedLenFeature(shape, dtype)
    missing = np.full(shape, MISSING[dtype]).tolist()
    return tf.io.FixedLenFeature(shape, dtype, missing)


def _sparse(
    feature: schema_pb2.SparseFeature, known: Mapping[str, schema_pb2.Feature]
) -> Column:
    indices = [index.name for index in feature.index_feature]
    sizes = [dim.size for dim in feature.dense_shape.dim] or [
        known[name].int_domain.max + 1
        for name in indices
        if name in known and known[name].int_domain.max
    ]
    if len(sizes) != len(indices) or feature.value_feature.name not in known:
        raise ValueError(
            f"The sparse feature {feature.name!r} must have a value_feature of the "
            "schema, and a size for each of its index_features: in dense_shape, or as "
            f"the highest value of their int_domain. Received: {sizes} for {indices}."
        )
    dtype = _TYPES[known[feature.value_feature.name].type]
    parsing = tf.io.SparseFeature(indices, feature.value_feature.name, dtype, sizes)
    return Column(tf.TensorSpec(sizes, dtype), parsing)
