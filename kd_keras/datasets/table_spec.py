"""From a table to a spec, and to the examples that a spec describes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kd_keras.datasets import columns, encode, table_features

if TYPE_CHECKING:
    from kd_keras.datasets.spec import DatasetSpec

# Attribute -> its groups in their order, or None for those that occur.
Groups = Mapping[str, Sequence[str] | None] | Sequence[str]


def describe(
    table: Any,
    label: str,
    class_names: Sequence[str] | None,
    groups: Groups | None,
    bins: Mapping[str, Sequence[float]] | None,
    features: Sequence[str] | None,
    example_id: str,
) -> dict[str, Any]:
    """The fields of a spec that a table has; see `DatasetSpec.of`."""
    found = columns.read(table)
    asked = groups if isinstance(groups, Mapping) else dict.fromkeys(groups or ())
    bins = {name: tuple(edges) for name, edges in (bins or {}).items()}
    columns.require(found, [label], "label")
    columns.require(found, [*asked], "groups")
    columns.require(found, [*bins], "bins")
    named = {
        name: encode.groups(name, found[name], of)[1] for name, of in asked.items()
    }
    named |= {name: encode.bin_names(name, edges) for name, edges in bins.items()}
    if features is None:
        told = {label, *named, example_id}
        features = [name for name in found if name not in told]
    columns.require(found, features, "features")
    if not features:
        raise ValueError(
            "`features` must name at least one column. Received: none beside the "
            f"label and the attributes, of {list(found)}."
        )
    _, classes = encode.labels(label, found[label], class_names)
    return {
        "features": {
            name: tf.TensorSpec(found[name].shape[1:], _dtype(name, found[name]))
            for name in features
        },
        "label": label,
        "class_names": classes,
        "groups": named,
        "example_id": example_id,
        "bins": bins,
    }


def examples(
    spec: "DatasetSpec", table: Any, also: Sequence[str] = ()
) -> tf.data.Dataset:
    """A table's rows as single examples; see `DatasetSpec.examples`."""
    found = _renamed(spec, columns.read(table))
    columns.require(found, [*spec.features, spec.label, *spec.groups, *also], "spec")
    labels, groups = indices(spec, found)
    for name, names in spec.groups.items():
        if name not in spec.bins:
            encode.check_not_signs(name, found[name], names)
    tensors: dict[str, Any] = {}
    for name, feature in spec.features.items():
        values = found[name]
        if values.shape[1:] != tuple(feature.shape):
            raise ValueError(
                f"Column {name!r} must have values of shape {tuple(feature.shape)}. "
                f"Received: {values.shape[1:]}."
            )
        if feature.dtype == tf.string and values.ndim == 1:
            # A category may be of numbers.
            values = table_features.texts(name, values)
        tensors[name] = _as(feature.dtype, name, values)
    tensors |= {spec.label: labels, **groups, **{name: found[name] for name in also}}
    if spec.example_id in found:
        tensors[spec.example_id] = encode.check_ids(
            spec.example_id, found[spec.example_id]
        )
    return tf.data.Dataset.from_tensor_slices(tensors)


def indices(
    spec: "DatasetSpec", found: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels and groups of a user's own table as the indices that the spec counts in.

    Args:
      spec: the spec.
      found: the columns, the label and the attributes among them.

    Returns:
      Class indices `[examples]`; attribute -> group indices, -1 where missing.
    """
    labels, _ = encode.labels(spec.label, found[spec.label], spec.class_names)
    groups = {
        name: encode.bins(name, found[name], spec.bins[name])[0]
        if name in spec.bins
        else encode.groups(name, found[name], names)[0]
        for name, names in spec.groups.items()
    }
    return labels, groups


def indices_of_examples(
    spec: "DatasetSpec", found: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Labels and groups of a tf.data.Dataset, in which a number is an index.

    A table is encoded once, by `indices`; what holds the outcome must not be matched
    by name again.

    Args:
      spec: the spec.
      found: the label and the attributes: indices, -1 for a missing group, or names.

    Returns:
      As `indices`.

    Raises:
      ValueError: if one is no index and no name.
    """
    label = found[spec.label]
    if label.dtype.kind in "if" and (label < 0).any():
        # A table may call its two classes -1 and 1; here -1 is a label that is hidden.
        raise ValueError(
            f"Column {spec.label!r} must have class indices from 0 on, or class "
            f"names. Received: {label.min():.0f} in {(label < 0).sum()} examples. "
            "Leave out those without a label; give -1 and 1 as a table, or as 0 and 1."
        )
    labels, _ = encode.labels(spec.label, label, spec.class_names, by_name=False)
    groups = {
        name: encode.groups(name, found[name], names, by_name=False)[0]
        for name, names in spec.groups.items()
    }
    return labels, groups


def _renamed(
    spec: "DatasetSpec", found: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The columns, also under the names that `kd_keras.datasets.table` gives them."""
    renamed = dict(found)
    for name in spec.features:
        fit = [of for of in found if table_features.feature_name(of) == name]
        if name in found or not fit:
            continue
        if len(fit) > 1:
            raise ValueError(
                f"`table` must have one column for the feature {name!r}. Received: "
                f"{fit}. Call the right one {name!r}."
            )
        renamed[name] = found[fit[0]]
    for name in spec.groups:
        column = name.removesuffix("_group")
        if name not in found and column in found:
            renamed[name] = found[column]
    return renamed


def _dtype(name: str, values: np.ndarray) -> tf.DType:
    """The dtype of models: float32, int64, strings, uint8 images."""
    if values.dtype == np.uint8 and values.ndim == 4:
        return tf.uint8
    kinds = {"f": tf.float32, "b": tf.int64, "i": tf.int64, "u": tf.int64}
    dtype = kinds.get(values.dtype.kind, tf.string)
    # What does not fit is refused before a model is made of it.
    _as(dtype, name, values)
    return dtype


def _as(dtype: tf.DType, name: str, values: np.ndarray) -> np.ndarray:
    return _texts(name, values) if dtype == tf.string else _numbers(name, values, dtype)


def _texts(name: str, values: np.ndarray) -> np.ndarray:
    """Strings in UTF-8."""
    wrong = [v for v in values.flat if not (v is None or isinstance(v, str))]
    if wrong:
        raise ValueError(
            f"Column {name!r} must have only numbers or only strings. Received: "
            f"{wrong[0]!r} of type {type(wrong[0]).__name__}. Convert it, or choose "
            "features without it."
        )
    # A text model knows no missing text but the empty one.
    texts = ["" if value is None else value for value in values.flat]
    return np.array([text.encode() for text in texts], "S").reshape(values.shape)


def _numbers(name: str, values: np.ndarray, dtype: tf.DType) -> np.ndarray:
    """Numbers in a dtype that holds them; a cast alone would change the others."""
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"Column {name!r} must have numbers ({dtype.name}). Received: "
            f"{values[0]!r}."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        made = values.astype(dtype.as_numpy_dtype)
        if dtype.is_floating:
            wrong = np.isinf(made) & np.isfinite(values)
            allowed = f"numbers from {dtype.min} to {dtype.max}"
        else:
            low, high = (0, 1) if dtype.is_bool else (int(dtype.min), int(dtype.max))
            allowed = f"whole numbers from {low} to {high}"
            if values.dtype.kind == "f":
                # The highest int64 is no float, but one more is.
                floats = values.astype(np.float64)
                inside = (floats >= low) & (floats < float(high) + 1)
                wrong = ~inside | (floats % 1 != 0)
            else:
                wrong = (values < low) | (values > high)
    if wrong.any():
        place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
        raise ValueError(
            f"Column {name!r} must have {allowed}, for the feature is {dtype.name}. "
            f"Received: {values[place]} in row {place[0]}. Convert the column as that "
            "of the training data was, or describe a table with such values."
        )
    return made
