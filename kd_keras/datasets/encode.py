"""Labels and groups of a table's columns as the indices that a spec counts in."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.datasets.columns import is_missing


def labels(
    name: str,
    values: np.ndarray,
    class_names: Sequence[str] | None = None,
    *,
    by_name: bool = True,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as class indices.

    Args:
      name: the column, for errors.
      values: `[examples]`: strings of `class_names`; booleans, of which True is class
        1, unless a name is "True" or "False", like which they are matched then; -1
        and 1, the two classes; or integers from 0 on, indices.
      class_names: the classes in the order of their labels; None for the numbers
        that occur, where the labels are numbers or booleans.
      by_name: whether integers are matched by name where all class names are
        integers, like "3". So are those of a user's own table, once; False for what
        is encoded already, in which they are indices.

    Returns:
      int64 `[examples]` in [0, classes), and the class names.

    Raises:
      ValueError: if a label is missing, of another type, or no class; or strings
        have no `class_names`.
    """
    values = _one_dimensional(name, values)
    missing = is_missing(values)
    if missing.any():
        raise ValueError(
            f"Column {name!r} must have a label for each example. Received: none in "
            f"{missing.sum()} of {len(values)}, the first in row "
            f"{int(missing.argmax())}. Drop them."
        )
    found = _distinct(name, values)
    if class_names is None:
        class_names = _default_class_names(name, found)
    class_names = tuple(class_names)
    index = _index(found, class_names, by_name)
    signs = len(class_names) == 2 and -1 in found and set(found) <= {-1, 1}
    if signs and not (by_name and all_integers(class_names)):
        index = {-1: 0, 1: 1}
    unknown = [value for value in found if index.get(value) is None]
    if unknown:
        raise ValueError(
            f"Column {name!r} has a label that is no class. Received: {unknown[0]!r}"
            f"{_row_of(values, unknown[0])}. Allowed: {_allowed(class_names, by_name)}."
        )
    return _mapped(values, index), class_names


def groups(
    name: str,
    values: np.ndarray,
    names: Sequence[str] | None = None,
    *,
    by_name: bool = True,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Groups as indices of group names.

    Args:
      name: the column, for errors.
      values: `[examples]`: strings, integers or booleans; None, NaN and "" are
        missing. With `names`, integers are indices of them or, by name, as of `labels`;
        so are booleans. -1 is missing, unless it is a name.
      names: the groups in their order; None for the values that occur, sorted.
      by_name: as of `labels`.

    Returns:
      int64 `[examples]`, -1 where missing, and the group names.

    Raises:
      ValueError: if a value is of another type, or none of `names`.
    """
    values = _one_dimensional(name, values)
    missing = is_missing(values)
    found = _distinct(
        name, values[~missing], f"Bin numbers: bins={{{name!r}: (30, 50)}}."
    )
    if names is None:
        names = tuple(map(str, found))
        index: dict[Any, int | None] = {v: i for i, v in enumerate(found)}
    else:
        names = tuple(names)
        index = _index(found, names, by_name)
        if index.get(-1) is None:
            index[-1] = -1
    unknown = [value for value in found if index.get(value) is None]
    if unknown:
        number = type(unknown[0]) is int and "-1" not in names
        absent = "-1 or an empty value" if number else "an empty value"
        raise ValueError(
            f"Column {name!r} has a group that is not named. Received: {unknown[0]!r}"
            f"{_row_of(values, unknown[0])}. Allowed: {_allowed(names, by_name)}, and "
            f"{absent} where it is missing."
        )
    codes = np.full(len(values), -1)
    codes[~missing] = _mapped(values[~missing], index)
    return codes, names


def bins(
    name: str, values: np.ndarray, edges: Sequence[float]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers as groups between edges: below the first, ..., from the last on.

    Args:
      name: the column, for errors.
      values: numbers `[examples]`; NaN is missing.
      edges: increasing; a value on an edge belongs to the group above it.

    Returns:
      int64 `[examples]`, -1 where missing, and names like "under 30", "30 to under
      50" and "50 and over".

    Raises:
      ValueError: if a value is no number, or the edges do not increase.
    """
    values = _one_dimensional(name, values)
    if values.dtype.kind not in "iuf":
        wrong = next((v for v in values.tolist() if not isinstance(v, int | float)), 0)
        raise ValueError(
            f"Column {name!r} must have numbers to be binned. Received: {wrong!r}."
        )
    names = bin_names(name, edges)
    codes = np.searchsorted(np.asarray(edges, np.float64), values, side="right")
    return np.where(is_missing(values), -1, codes), names


def bin_names(name: str, edges: Sequence[float]) -> tuple[str, ...]:
    """Names of the groups between edges; see `bins`."""
    increase = all(a < b for a, b in itertools.pairwise(edges))
    if not len(edges) or not increase or not all(map(math.isfinite, edges)):
        raise ValueError(
            f"`bins[{name!r}]` must have finite edges that increase, like (30, 50). "
            f"Received: {edges!r}."
        )
    texts = [np.format_float_positional(float(edge), trim="-") for edge in edges]
    between = (f"{low} to under {high}" for low, high in itertools.pairwise(texts))
    return (f"under {texts[0]}", *between, f"{texts[-1]} and over")


def check_ids(name: str, values: np.ndarray) -> np.ndarray:
    """Ids as strings, object `[examples]`.

    Raises:
      ValueError: if one is missing or occurs twice.
    """
    values = _one_dimensional(name, values)
    missing = is_missing(values)
    if missing.any():
        raise ValueError(
            f"Column {name!r} must have an id for each example. Received: none in row "
            f"{int(missing.argmax())}."
        )
    ids = np.array([*map(str, values.tolist()), None], object)[:-1]
    unique, counts = np.unique(ids.astype(str), return_counts=True)
    if (counts > 1).any():
        twice = unique[counts > 1][0]
        rows = np.nonzero(ids == twice)[0][:2].tolist()
        raise ValueError(
            f"Column {name!r} must have an id of its own for each example. Received "
            f"more than once: {str(twice)!r}, in rows {rows[0]} and {rows[1]}."
        )
    return ids


def weights(name: str, values: np.ndarray) -> np.ndarray:
    """Weights as float64 `[examples]`.

    Raises:
      ValueError: if one is no number, negative or not finite.
    """
    values = _one_dimensional(name, values)
    if values.dtype.kind not in "biuf":
        wrong = next((v for v in values.tolist() if not isinstance(v, int | float)), 0)
        raise ValueError(
            f"Column {name!r} must have numbers as weights. Received: {wrong!r}."
        )
    values = values.astype(np.float64)
    wrong_ones = ~(np.isfinite(values) & (values >= 0))
    if wrong_ones.any():
        raise ValueError(
            f"Column {name!r} must have weights that are finite and not negative. "
            f"Received: {values[wrong_ones][0]} in row {int(wrong_ones.argmax())}. "
            "Drop an example by weight 0."
        )
    return values


def check_not_signs(name: str, values: np.ndarray, names: Sequence[str]) -> None:
    """Refuses two groups coded as -1 and 1, of which -1 would count as missing.

    Raises:
      ValueError: if a whole column is so.
    """
    if values.dtype.kind not in "iuf" or len(names) != 2 or all_integers(names):
        return
    if set(np.unique(values[~is_missing(values)]).tolist()) == {-1, 1}:
        raise ValueError(
            f"Column {name!r} has the groups {list(names)}, and -1 means that the "
            "group is missing. Received: -1 and 1, without 0. Map them to the names."
        )


def _one_dimensional(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(
            f"Column {name!r} must have one value for each example. Received: shape "
            f"{values.shape}."
        )
    return values.astype(object) if values.dtype.kind in "SU" else values


def _distinct(name: str, values: np.ndarray, advice: str = "") -> list[Any]:
    """The sorted values: all strings, all booleans or all integers."""
    if values.dtype.kind in "biuf":
        found = np.unique(values).tolist()
    else:
        found = list({(type(v).__name__, v): v for v in values.tolist()}.values())
    found = [int(v) if isinstance(v, float) and v.is_integer() else v for v in found]
    kinds = {type(value) for value in found}
    wrong = [value for value in found if not isinstance(value, str | bool | int)]
    if wrong:
        raise ValueError(
            f"Column {name!r} must have strings, integers or booleans. Received: "
            f"{wrong[0]!r}{_row_of(values, wrong[0])}. {advice}".rstrip()
        )
    if len(kinds) > 1:
        pair = [next(v for v in found if type(v) is kind) for kind in kinds]
        raise ValueError(
            f"Column {name!r} must have values of one type. Received: "
            f"{' and '.join(sorted(map(repr, pair)))}. Convert them to one."
        )
    return sorted(set(found))


def _default_class_names(name: str, found: list[Any]) -> tuple[str, ...]:
    if found and isinstance(found[0], str):
        raise ValueError(
            f"`class_names` must give the order of the labels in column {name!r}, "
            f"which are strings; of two classes the second is the positive one. "
            f"Received: None. Pass class_names={tuple(found[:20])} or the reverse."
        )
    if found and isinstance(found[0], bool):
        return ("False", "True")
    if set(found) == {-1, 1}:
        return ("-1", "1")
    return tuple(str(label) for label in range(max([1, *found]) + 1))


def _index(
    found: list[Any], names: tuple[str, ...], by_name: bool
) -> dict[Any, int | None]:
    """Value -> its index, or None where it has none; `found` is of one type."""
    if all(isinstance(value, str) for value in found):
        return {value: _position(names, value) for value in found}
    if all(isinstance(value, bool) for value in found):
        return {value: _of_boolean(value, names, by_name) for value in found}
    if by_name and all_integers(names):
        return {value: _position(names, value) for value in found}
    return {value: int(value) if 0 <= value < len(names) else None for value in found}


def _of_boolean(value: bool, names: tuple[str, ...], by_name: bool) -> int | None:
    # pandas reads "true" and "TRUE" of a file as True, whose text they no longer are.
    small = [name.casefold() for name in names]
    if "true" in small or "false" in small:
        return _position(small, str(value).casefold())
    index = int(value) if value < len(names) else None
    if by_name and all_integers(names) and _position(names, int(value)) != index:
        # Of the names "1" and "0", True is the first as a number, and the second.
        return None
    return index


def _position(names: Sequence[str], value: Any) -> int | None:
    return names.index(str(value)) if str(value) in names else None


def all_integers(names: Sequence[str]) -> bool:
    """Whether integers in a table are matched by name; see `labels`."""
    return all(name.removeprefix("-").isdecimal() for name in names)


def _mapped(values: np.ndarray, index: Mapping[Any, int | None]) -> np.ndarray:
    if not len(values):
        return np.zeros(0, np.int64)
    if values.dtype.kind in "biuf":
        unique, inverse = np.unique(values, return_inverse=True)
        return np.array([index[value] for value in unique.tolist()])[inverse]
    listed = values.tolist()
    return np.fromiter((index[value] for value in listed), np.int64, len(listed))


def _row_of(values: np.ndarray, value: Any) -> str:
    rows = np.nonzero(values == value)[0]
    return f" in row {rows[0]}" if len(rows) else ""


def _allowed(names: Sequence[str], by_name: bool) -> str:
    listed = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
    if not all_integers(names):
        return f"{listed} or their indices 0 to {len(names) - 1}"
    if by_name:
        return f"{listed}, as strings or as numbers"
    return (
        f"{listed} as strings, or their indices 0 to {len(names) - 1}: in a "
        "tf.data.Dataset a number is an index (spec.examples(table) makes it)"
    )
