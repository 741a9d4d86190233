"""tf.Examples of a DatasetSpec: how they are written, and how a model reads them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec


def is_image(feature: tf.TensorSpec) -> bool:
    return feature.dtype == tf.uint8 and feature.shape.rank == 3


def class_name_key(spec: DatasetSpec) -> str:
    """Key of the label's class name, which evaluation slices by."""
    return f"{spec.label}_name"


def encode(spec: DatasetSpec, example: Mapping[str, Any]) -> bytes:
    """Serializes one example.

    Args:
      spec: the data set's spec.
      example: NumPy values under the spec's keys, as in `Dataset.splits`.

    Returns:
      A serialized tf.Example. Images become PNG bytes; the label is an int64, with
      its class name under `class_name_key(spec)`; groups are written by name, and
      a missing group (-1) is left out.
    """
    fields = {
        name: _feature(feature, example[name])
        for name, feature in spec.features.items()
    }
    label = int(example[spec.label])
    fields[spec.label] = _int64(label)
    fields[class_name_key(spec)] = _bytes(spec.class_names[label].encode())
    fields[spec.example_id] = _bytes(bytes(example[spec.example_id]))
    for attribute, names in spec.groups.items():
        group = int(example[attribute])
        if group >= 0:
            fields[attribute] = _bytes(names[group].encode())
    message = tf.train.Example(features=tf.train.Features(feature=fields))
    return message.SerializeToString(deterministic=True)


def parse_features(spec: DatasetSpec, examples: tf.Tensor) -> dict[str, tf.Tensor]:
    """Reads the model's features out of serialized tf.Examples.

    Args:
      spec: the data set's spec.
      examples: string tensor `[batch]`.

    Returns:
      Feature name -> `[batch, *shape]` in the feature's dtype.
    """
    parsed = tf.io.parse_example(
        examples, {name: _parse_spec(f) for name, f in spec.features.items()}
    )
    return {
        name: decode_images(parsed[name], feature)
        if is_image(feature)
        else tf.cast(parsed[name], feature.dtype)
        for name, feature in spec.features.items()
    }


def decode_images(encoded: tf.Tensor, feature: tf.TensorSpec) -> tf.Tensor:
    """JPEG or PNG bytes `[batch]` -> uint8 `[batch, height, width, channels]`."""

    def decode(content: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_image(
            content, channels=feature.shape[-1], expand_animations=False
        )
        return tf.ensure_shape(image, feature.shape)

    return tf.map_fn(decode, encoded, fn_output_signature=feature)


def _parse_spec(feature: tf.TensorSpec) -> tf.io.FixedLenFeature:
    if is_image(feature):
        return tf.io.FixedLenFeature([], tf.string)
    if feature.dtype == tf.string:
        return tf.io.FixedLenFeature(feature.shape, tf.string)
    wire = tf.float32 if feature.dtype.is_floating else tf.int64
    return tf.io.FixedLenFeature(feature.shape, wire)


def _feature(feature: tf.TensorSpec, value: Any) -> tf.train.Feature:
    if is_image(feature):
        return _bytes(tf.io.encode_png(value).numpy())
    flat = np.ravel(np.asarray(value))
    if feature.dtype == tf.string:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=list(flat)))
    if feature.dtype.is_floating:
        return tf.train.Feature(float_list=tf.train.FloatList(value=flat.tolist()))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=flat.tolist()))


def _int64(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
