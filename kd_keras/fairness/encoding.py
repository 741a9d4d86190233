"""Checks of examples and their aggregation into cells of equal examples."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

GroupValue = str | int
Group = GroupValue | tuple[GroupValue, ...]

_MAX_KEYS = 2**62  # mixed-radix keys beyond this would overflow int64


def check_classes(name: str, values, num_classes: int | None) -> np.ndarray:
    """Returns class indices as int64 `[examples]`, checked.

    Args:
      name: name of the argument, for the error.
      values: class indices, `[examples]`; integers, booleans or integral floats.
      num_classes: classes are 0 to num_classes - 1; None leaves the end open.

    Raises:
      ValueError: if the array is not one-dimensional, or a value is no class.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(
            f"`{name}` must hold one class index per example. Received: shape "
            f"{array.shape}. Use hard_predictions() on probabilities or logits."
        )
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"`{name}` must hold class indices (integers). Received: dtype "
            f"{array.dtype}. Map class names to 0, 1, ... first."
        )
    if array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        bad = array[~np.equal(array, np.floor(array))][0]
        raise ValueError(
            f"`{name}` must hold class indices (integers). Received: {bad}. Use "
            "hard_predictions() on probabilities or logits."
        )
    low, high = array.min(), array.max()
    end = 2**31 if num_classes is None else num_classes
    if low < 0 or high >= end:
        raise ValueError(
            f"`{name}` must hold classes from 0 to {end - 1}. Received: "
            f"{low if low < 0 else high}. Map the labels to 0, 1, ... or raise "
            "`num_classes`."
        )
    return array.astype(np.int64)


def check_weights(sample_weight, num_examples: int) -> np.ndarray:
    """Returns weights as float64 `[examples]`, ones for None.

    Raises:
      ValueError: if a weight is negative or not finite, or the length differs.
    """
    if sample_weight is None:
        return np.ones(num_examples)
    weights = np.asarray(sample_weight, np.float64)
    check_length("sample_weight", weights, num_examples)
    if not np.all(np.isfinite(weights) & (weights >= 0)):
        bad = weights[~(np.isfinite(weights) & (weights >= 0))][0]
        raise ValueError(
            f"`sample_weight` must be finite and not negative. Received: {bad}. "
            "Drop an example by weight 0."
        )
    return weights


def check_length(name: str, array: np.ndarray, num_examples: int) -> None:
    """Raises ValueError unless `array` has shape `[num_examples]`."""
    if array.shape != (num_examples,):
        raise ValueError(
            f"`{name}` must have one value for each of the {num_examples} examples. "
            f"Received: shape {array.shape}."
        )


def encode_groups(attribute: str, values) -> tuple[tuple[GroupValue, ...], np.ndarray]:
    """Numbers the groups of one sensitive attribute.

    Args:
      attribute: name of the attribute, for the error.
      values: group of each example, `[examples]`: all strings (or UTF-8 bytes) or
        all integers of 64 bits, any codes. None, NaN and pandas' NA are missing
        values; what -1 is, `check_minus_one` judges.

    Returns:
      The sorted group values, and the index of each example's group in them,
      int64 `[examples]`, -1 where the value is missing.

    Raises:
      TypeError: if a value is neither string nor integer, or both occur.
      ValueError: if `values` is not one-dimensional, or an integer has no 64 bits.
    """
    # A list of mixed types must not become an array of strings unnoticed.
    array = np.asarray(values, None if hasattr(values, "__array__") else object)
    if array.ndim != 1:
        raise ValueError(
            f"`groups[{attribute!r}]` must hold one group per example. Received: "
            f"shape {array.shape}. Give each attribute its own entry."
        )
    if array.dtype.kind in "iub":
        _check_int64(attribute, int(array.max(initial=0)))
        unique, codes = _unique_inverse(array.astype(np.int64))
        return tuple(unique.tolist()), codes
    listed = array.tolist()
    value_of = {raw: _group_value(attribute, raw) for raw in set(listed)}
    groups = {value for value in value_of.values() if value is not None}
    if len({type(value) for value in groups}) > 1:
        raise TypeError(
            f"`groups[{attribute!r}]` must hold only strings or only integers. "
            f"Received both, among them {sorted(groups, key=str)[:5]}. Convert them "
            "to one type."
        )
    ordered = tuple(sorted(groups))
    for value in ordered[:1] + ordered[-1:]:
        if not isinstance(value, str):
            _check_int64(attribute, value)
    code_of_value = {value: code for code, value in enumerate(ordered)}
    code_of = {
        raw: -1 if value is None else code_of_value[value]
        for raw, value in value_of.items()
    }
    codes = np.fromiter(map(code_of.__getitem__, listed), np.int64, len(listed))
    return ordered, codes


def check_minus_one(
    argument: str, names: Sequence[GroupValue], codes: np.ndarray
) -> None:
    """Refuses integer groups from 0 on beside -1, which may be a missing one.

    The examples of a DatasetSpec hold -1 where a group is missing; elsewhere it may be
    a group like any other integer. Counted as a group it would stand in gaps and be
    the worst one; left out, a true group would vanish from them. So neither happens
    without a word. -1 is a group where other ones are negative too, and where -1 and
    1 are all there are.

    Args:
      argument: for the error.
      names: the groups, as `encode_groups` gives them.
      codes: index of the group of each example that counts, -1 where missing.

    Raises:
      ValueError: if it is so.
    """
    if not names or isinstance(names[0], str) or -1 not in names:
        return
    used = {names[code] for code in np.unique(codes[codes >= 0])}
    if min(used, default=0) == -1 and not used <= {-1, 1}:
        raise ValueError(
            f"`{argument}` has the group -1 beside those from 0 on, and in a data set "
            f"-1 is a missing group. Received: {sorted(used, key=int)[:5]}. Give None "
            "where it is missing, np.where(groups < 0, None, groups), or strings such "
            "as '-1' if it is a group."
        )


def _check_int64(attribute: str, value: int) -> None:
    if not -(2**63) <= value < 2**63:
        raise ValueError(
            f"`groups[{attribute!r}]` must hold integers of 64 bits, -2**63 to "
            f"2**63 - 1. Received: {value}. Give the groups as strings."
        )


def _group_value(attribute: str, value) -> GroupValue | None:
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)  # NumPy's strings are of another type.
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        if float(value).is_integer():
            return int(value)
    # pandas need not be there to tell.
    if type(value).__name__ == "NAType":
        return None
    if isinstance(value, bool | int | np.integer | np.bool_):
        return int(value)
    raise TypeError(
        f"`groups[{attribute!r}]` must hold strings or integers, None, NaN or NA "
        f"where missing. Received: {value!r}. Bin real numbers into named groups first."
    )


def merge_groups(
    attribute: str, parts: Sequence[tuple[GroupValue, ...]]
) -> tuple[tuple[GroupValue, ...], list[np.ndarray]]:
    """Unites group values.

    Returns:
      The sorted union, and for each part the new index of each of its groups, with
      one more entry, -1, so that index -1 (missing) maps to itself.
    """
    union, codes = encode_groups(attribute, [value for part in parts for value in part])
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return union, [np.append(part, -1) for part in np.split(codes, ends)]


def _unique_inverse(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Same as np.unique with `return_inverse`, in linear time on a short range."""
    low = keys.min(initial=0)
    span = int(keys.max(initial=0)) - int(low) + 1
    if span > max(2**16, 4 * len(keys)):
        return np.unique(keys, return_inverse=True)
    present = np.bincount(keys - low) > 0
    inverse = (np.cumsum(present) - 1)[keys - low]
    return np.nonzero(present)[0] + low, inverse


def aggregate(
    columns: np.ndarray,
    sizes: Sequence[int],
    weights: np.ndarray,
    counts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unites equal rows, in sorted order, hence independent of the rows' order.

    Args:
      columns: int64 `[rows, columns]`, column i in [-1, sizes[i]).
      sizes: `[columns]`.
      weights: float64 `[rows]`, the weight of one example of the row.
      counts: int64 `[..., rows]`, examples per row; None for one each.

    Returns:
      cells int64 `[cells, columns]`, weights `[cells]` and counts `[..., cells]`;
      rows that differ in weight stay apart.
    """
    distinct, weight_index = np.unique(weights, return_inverse=True)
    shape = (*(size + 1 for size in sizes), max(len(distinct), 1))
    if np.prod([float(size) for size in shape]) < _MAX_KEYS:
        rows = (*(columns + 1).T, weight_index)
        keys = np.ravel_multi_index(rows, shape)
    else:
        table = np.column_stack([columns, weight_index])
        keys = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
    unique, inverse = _unique_inverse(keys)
    # Any row of a cell stands for it, since they are equal.
    member = np.zeros(len(unique), np.int64)
    member[inverse] = np.arange(len(inverse))
    if counts is None:
        counts = np.bincount(inverse)
    else:
        counts = sum_cells(counts, inverse, len(unique))
    return columns[member], weights[member], counts


def sum_cells(values: np.ndarray, index: np.ndarray, size: int) -> np.ndarray:
    """Sums `values` `[..., cells]` by `index` `[cells]` in [0, size).

    Returns:
      `[..., size]`. Cells with index -1 are left out.
    """
    kept = index >= 0
    leading = values.shape[:-1]
    replicates = math.prod(leading)
    keys = np.arange(replicates)[:, np.newaxis] * size + index[kept]
    flat = values[..., kept].reshape(-1)
    sums = np.bincount(keys.reshape(-1), flat, replicates * size)
    return sums.astype(values.dtype).reshape(*leading, size)


def check_attributes(groups: Mapping) -> None:
    """Raises TypeError unless `groups` maps attribute names to arrays."""
    names = list(groups) if isinstance(groups, Mapping) else [None]
    if not all(isinstance(name, str) for name in names):
        raise TypeError(
            "`groups` must map attribute names to arrays of group values, like "
            f'{{"color": ["red", "blue"]}}. Received: {type(groups).__name__}.'
        )
