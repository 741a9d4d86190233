"""A CSV or Parquet file as a data set: label, features, groups, weights, splits."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import columns, encode, table_features
from kd_keras.datasets.batches import WEIGHT
from kd_keras.datasets.spec import Dataset, DatasetSpec
from kd_keras.datasets.splits import SPLITS, split_rows

ID = "id"


def load(
    *,
    path: str,
    label: str,
    class_names: Sequence[str] = (),
    features: Sequence[str] | Mapping[str, str] = (),
    groups: Sequence[str] | Mapping[str, Sequence[str]] = (),
    bins: Mapping[str, Sequence[float]] | None = None,
    missing: Sequence[str] = (),
    weights: str = "",
    example_id: str = "",
    split: str = "",
    validation_fraction: float = 0.1,
    test_fraction: float = 0.2,
    seed: int = 0,
    name: str = "",
    data_dir: str | None = None,
) -> Dataset:
    """Loads a table, one example a row.

    Args:
      path: a .csv, .csv.gz or .parquet file; below `data_dir` unless it is absolute.
      label: column of the label.
      class_names: the classes in the order of their labels; where the labels are
        strings they have to be given, since of two the second is the positive one.
      features: columns that the model sees, or column -> "number" or "category". By
        default those that nothing else names; numbers are numbers, and strings and
        booleans categories.
      groups: columns of sensitive attributes, or column -> group names in their order.
      bins: further attributes: column of numbers -> edges of the groups.
      missing: strings that stand for a missing value, beside empty ones.
      weights: column of the examples' weights in training, at least 0; "" for none.
      example_id: column of unique ids; "" for the row's number.
      split: column that says "train", "validation" or "test"; where nothing says
        "validation", `validation_fraction` of "train" is it. "" splits by `seed`.
      validation_fraction, test_fraction: shares of the rows, in (0, 1).
      seed: decides which rows, from 0 on.
      name: name of the data set; "" for the file's.
      data_dir: folder of the file.

    A feature has its column's name, in ASCII letters, digits and _: "Debt (CHF)"
    becomes "Debt_CHF".

    A missing number becomes the mean of the training split, and a feature
    `<column>_missing` says 1.0 there; a missing category is the category "". An
    attribute whose column is a feature as well is called `<column>_group`.

    Returns:
      The spec and the splits "train", "validation" and "test".

    Raises:
      ValueError: if the file is not there, or a column or a value is not as described;
        it names both.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must be from 0 to 2**32 - 1. Received: {seed}.")
    where = files.join(data_dir or "", path)
    table = columns.read(where, missing=missing)
    rows = len(next(iter(table.values())))
    columns.require(table, [split] if split else [], "split")
    fractions = (validation_fraction, test_fraction)
    return of_columns(
        table,
        split_rows(rows, table[split] if split else None, fractions, seed, split),
        name=name or pathlib.PurePath(path).name.partition(".")[0],
        label=label,
        class_names=class_names,
        features=features,
        groups=groups,
        bins=bins or {},
        weights=weights,
        example_id=example_id,
        beside=(split,),
    )


def attributes(
    *,
    groups: Sequence[str] | Mapping[str, Sequence[str]] = (),
    bins: Mapping[str, Sequence[float]] | None = None,
    features: Sequence[str] | Mapping[str, str] = (),
    **options: Any,
) -> tuple[str, ...]:
    """The sensitive attributes that `load` with these options gives."""
    del options
    return tuple(_attribute(column, features) for column in (*groups, *(bins or {})))


def of_columns(
    table: Mapping[str, np.ndarray],
    rows: Mapping[str, np.ndarray],
    *,
    name: str,
    label: str,
    class_names: Sequence[str],
    features: Sequence[str] | Mapping[str, str],
    groups: Sequence[str] | Mapping[str, Sequence[str] | None],
    bins: Mapping[str, Sequence[float]],
    weights: str = "",
    example_id: str = "",
    beside: Sequence[str] = (),
) -> Dataset:
    """A data set of columns `[examples, ...]`; see `load`.

    Args:
      table: the columns.
      rows: split -> indices of its rows.
      name, label, class_names, features, groups, bins, weights, example_id: as there.
      beside: further columns that are no features.
    """
    used = (label, *groups, *bins, *filter(None, (weights, example_id, *beside)))
    for what, names in (
        ("label", [label]),
        ("groups", list(groups)),
        ("bins", list(bins)),
        ("features", list(features)),
        ("weights", [weights] if weights else []),
        ("example_id", [example_id] if example_id else []),
    ):
        columns.require(table, names, what)
    # In a signature's inputs, of which a group may be one, capital letters are small.
    small = {_attribute(column, features).lower() for column in (*groups, *bins)}
    examples: dict[str, np.ndarray] = {}
    for column, kind in table_features.kinds(table, features, used).items():
        made = table_features.values(column, table[column], kind, rows["train"])
        for key, values in made.items():
            feature = table_features.feature_name(key)
            free = feature not in (label, example_id or ID)
            _require_free(column, feature, free and feature.lower() not in small)
            small.add(feature.lower())
            examples[feature] = values
    examples[label], classes = encode.labels(label, table[label], class_names or None)
    _require_classes(label, examples[label], classes)
    spec_groups = {}
    for column in (*groups, *bins):
        attribute = _attribute(column, features)
        if column in bins:
            codes, found = encode.bins(column, table[column], tuple(bins[column]))
        else:
            given = groups[column] if isinstance(groups, Mapping) else None
            codes, found = encode.groups(column, table[column], given)
            encode.check_not_signs(column, table[column], found)
        _require_distinct(column, found)
        examples[attribute], spec_groups[attribute] = codes, found
    feature_names = [key for key in examples if key != label and key not in spec_groups]
    key = example_id or ID
    if example_id:
        examples[key] = encode.check_ids(key, table[key])
    else:
        examples[key] = np.array([f"row_{i}" for i in range(len(table[label]))], object)
    if weights:
        examples[WEIGHT] = encode.weights(weights, table[weights]).astype(np.float32)
    whole = tf.data.Dataset.from_tensor_slices(_sliced(examples, rows["train"]))
    spec = DatasetSpec.of(
        whole,
        label=label,
        class_names=classes,
        groups=spec_groups,
        features=feature_names,
        example_id=key,
        name=name,
    )
    splits = {
        s: tf.data.Dataset.from_tensor_slices(_sliced(examples, rows[s]))
        for s in SPLITS
    }
    # By these the groups of a further table are the same.
    edges = {_attribute(of, features): tuple(bins[of]) for of in bins}
    return Dataset(dataclasses.replace(spec, bins=edges), splits)


def _attribute(column: str, features: Sequence[str] | Mapping[str, str]) -> str:
    return f"{column}_group" if column in features else column


def _require_free(column: str, feature: str, free: bool) -> None:
    if not free and feature == ID:
        raise ValueError(
            f"Column {column!r} cannot be a feature, for {ID!r} is each example's "
            f"name. Name it the ids (example_id={column!r}), or rename it."
        )
    if not free:
        raise ValueError(
            f"Column {column!r} becomes the feature {feature!r}, and that is the name "
            "of another column. Rename one of them."
        )


def _require_classes(label: str, codes: np.ndarray, classes: Sequence[str]) -> None:
    _require_distinct(label, classes)
    there = np.unique(codes)
    if len(there) < 2:
        raise ValueError(
            f"Column {label!r} must have two classes or more. Received: "
            f"{classes[int(there[0])]!r} in all {len(codes)} rows."
        )


def _require_distinct(column: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ValueError(
            f"The names of column {column!r} must differ. Received more than once: "
            f"{twice[0]!r}."
        )


def _sliced(
    examples: Mapping[str, np.ndarray], rows: np.ndarray
) -> dict[str, np.ndarray]:
    found = {key: values[rows] for key, values in examples.items()}
    return {k: _utf8(v) if v.dtype == object else v for k, v in found.items()}


def _bytes(text: object) -> bytes:
    """A string in UTF-8; None, which a list may hold, is no value."""
    if isinstance(text, bytes):
        return text
    return b"" if text is None else str(text).encode()


_utf8 = np.vectorize(_bytes, otypes=[object])
