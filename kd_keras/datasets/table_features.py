"""What a model sees of a table: numbers, and categories as strings."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from kd_keras.datasets.columns import is_missing

KINDS = ("number", "category")


def kinds(
    table: Mapping[str, np.ndarray],
    features: Sequence[str] | Mapping[str, str],
    used: Sequence[str],
) -> dict[str, str]:
    """Column of a feature -> "number", "category", or "" for an array.

    Args:
      table: the columns.
      features: columns, or column -> kind; empty for all that are not used.
      used: columns that are label, attribute, weight, id or split.

    Raises:
      ValueError: if there is no such kind, or nothing is left for the model to see.
    """
    # In the table's order: a config that is read back has another one.
    chosen = [c for c in table if (c in features if features else c not in used)]
    if not chosen:
        raise ValueError(
            f"`features` must leave a column for the model to see. Columns: "
            f"{list(table)}; used otherwise: {list(used)}."
        )
    given = features if isinstance(features, Mapping) else {}
    for column, kind in given.items():
        if kind not in KINDS:
            raise ValueError(
                f"`features[{column!r}]` must be one of {KINDS}. Received: {kind!r}."
            )
    return {column: given.get(column) or _kind(table[column]) for column in chosen}


def feature_name(column: str) -> str:
    """What a column is called as a feature: ASCII letters, digits and _.

    A SavedModel's inputs and Keras' layers take no other names: "Debt (CHF)" becomes
    "Debt_CHF", and "Größe" "Gro_e".
    """
    plain = unicodedata.normalize("NFKD", column)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    name = re.sub(r"[^0-9a-zA-Z]+", "_", plain).strip("_") or "column"
    if column.isascii() and column.isidentifier():
        return column
    return f"column_{name}" if name[0].isdigit() else name


def _kind(values: np.ndarray) -> str:
    if values.ndim > 1:
        return ""
    return "number" if values.dtype.kind in "iuf" else "category"


def values(
    column: str, values: np.ndarray, kind: str, train: np.ndarray
) -> dict[str, np.ndarray]:
    """The feature of a column, and one that says where it was missing.

    Args:
      column: its name.
      values: `[examples, ...]`.
      kind: as `kinds` has it.
      train: rows of the training split, whose mean fills what is missing.

    Raises:
      ValueError: if a value is not of that kind, or infinite.
    """
    if not kind:
        return {column: values}
    if kind == "category":
        return {column: texts(column, values)}
    if values.dtype.kind not in "biuf":
        row = next(i for i, v in enumerate(values) if isinstance(v, str))
        raise ValueError(
            f"Column {column!r} must have numbers. Received: {values[row]!r} in row "
            f"{row}. Name it a 'category', or a string for missing values."
        )
    numbers = values.astype(np.float32)
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).argmax())
        raise ValueError(
            f"Column {column!r} must have finite numbers. Received: {values[row]!r} "
            f"in row {row}."
        )
    absent = np.isnan(numbers)
    if not absent.any():
        return {column: numbers}
    known = numbers[train][~absent[train]]
    if not len(known):
        raise ValueError(
            f"Column {column!r} has no number in the training split. Leave it out of "
            "the features."
        )
    filled = np.where(absent, known.mean(dtype=np.float64), numbers)
    return {
        column: filled.astype(np.float32),
        f"{column}_missing": absent.astype(np.float32),
    }


def texts(column: str, values: np.ndarray) -> np.ndarray:
    """A category's values as strings, "" where missing, object `[examples]`.

    A float without decimal places is the text of its integer, for missing values make
    floats of integers: 3.0 is "3".

    Raises:
      ValueError: if values are of several types, or a float is so large that it stands
        for several integers.
    """
    kinds = {type(value).__name__ for value in values.tolist() if value is not None}
    if len(kinds) > 1:
        first = {type(v).__name__: v for v in values.tolist() if v is not None}
        shown = " and ".join(repr(value) for value in first.values())
        raise ValueError(
            f"Column {column!r} must have values of one type. Received: {shown}."
        )
    missing = is_missing(values)
    if values.dtype.kind == "f":
        large = np.abs(values) >= 2**53
        if large.any():
            row = int(large.argmax())
            raise ValueError(
                f"Column {column!r} is a category and has a number that may stand for "
                f"several: {values[row]} in row {row}. Allowed: floats below 2**53. "
                "Make the column strings, or integers without missing values."
            )
    found = [
        str(int(value) if isinstance(value, float) and value.is_integer() else value)
        for value in values.tolist()
    ]
    return np.where(missing, "", np.array([*found, None], object)[:-1])
