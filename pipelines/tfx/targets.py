"""Labels and groups of tf.Examples as the indices that everything here counts in."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from kd_keras.datasets import encode
from pipelines.tfx import schema as schemas


def group_names(
    schema: schema_pb2.Schema, groups: Mapping[str, Sequence[str] | None]
) -> dict[str, tuple[str, ...]]:
    """Attribute -> its groups: those given, or those of the schema's domain.

    Raises:
      ValueError: if the schema has no such feature, or no domain where none are given.
    """
    found = {}
    for attribute, names in groups.items():
        schemas.require(schema, attribute)
        found[attribute] = tuple(names or schemas.domain(schema, attribute))
        if not found[attribute]:
            raise ValueError(
                f"The schema does not say which groups {attribute!r} has: it needs a "
                "string_domain there, or groups="
                f"{{{attribute!r}: ['...', '...']}}. Received: neither."
            )
    return found


def labels(name: str, values: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Class indices, int64 `[examples]`, of class names or of indices.

    Raises:
      ValueError: if a label is missing or no class.
    """
    known = _known(values)
    if known.dtype.kind == "i" and (known < 0).any():
        # A table may call its two classes -1 and 1; here -1 is what is not there.
        raise ValueError(
            f"Each example must have a label {name!r} of {list(class_names)}. "
            f"Received: {known.min()}, or none, in {(known < 0).sum()} examples."
        )
    return encode.labels(name, known, class_names)[0]


def groups(name: str, values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Indices of group names, int64 `[examples]`, -1 where the value is missing.

    Raises:
      ValueError: if a value is none of the names.
    """
    return encode.groups(name, _known(values), names)[0]


def in_graph(
    parsed: Mapping[str, tf.Tensor],
    label: str,
    class_names: Sequence[str],
    named: Mapping[str, Sequence[str]],
) -> dict[str, tf.Tensor]:
    """The label and the groups of a batch, for `tf.data`."""
    found = {label: _mapped(labels, label, parsed[label], class_names)}
    for attribute, names in named.items():
        found[attribute] = _mapped(groups, attribute, parsed[attribute], names)
    return found


def _mapped(of: Any, name: str, values: tf.Tensor, names: Sequence[str]) -> tf.Tensor:
    values = tf.reshape(values, [-1])
    codes = tf.numpy_function(lambda v: of(name, v, names), [values], tf.int64)
    return tf.ensure_shape(codes, [None])


def _known(values: np.ndarray) -> np.ndarray:
    """Text instead of bytes; whole numbers instead of floats, but for NaN."""
    if values.dtype.kind in "OS":
        return np.array([value.decode() for value in values], object)
    if values.dtype.kind == "f" and (values == np.round(values)).all():
        return values.astype(np.int64)
    return values
