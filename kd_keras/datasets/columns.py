"""Any table as columns: one NumPy array a column."""

import decimal
import importlib
import io
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras import files, named

KINDS = (
    "a pandas DataFrame, a dict of arrays, a pyarrow Table, a datasets.Dataset, or "
    "the path of a .csv, .csv.gz or .parquet file"
)


def read(source: Any, *, missing: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Reads a table.

    Args:
      source: one of

        - a pandas DataFrame; its index is left out;
        - a dict (or Mapping) of arrays or lists, the first axis of each counts the
          examples;
        - a pyarrow Table;
        - a Hugging Face `datasets.Dataset`, one split; a `ClassLabel` becomes its
          names;
        - the path of a `.csv`, `.csv.gz` or `.parquet` file. A CSV file has a line
          of names first, as many as a line has values; a column without a name, such
          as the index that `DataFrame.to_csv` writes, is left out with a warning.
          pandas' words for a missing value ("", "NA", "NaN", "None", ...) are
          missing.
      missing: further strings that stand for a missing value, like "?"; blanks
        around a string do not matter to it.

    Returns:
      Column name -> array `[examples, ...]`, in the order of the table:

      - numbers and booleans keep their dtype; a nullable or masked column with
        missing values is float64 with NaN;
      - decimals are integers if they all have no decimal places, else float64;
      - strings, categories and what else there is are of dtype object, None where
        missing.

    Raises:
      TypeError: if the source is no table, or a column's name is no string.
      ValueError: if a file does not exist or cannot be read, a name occurs twice,
        columns differ in length, a line of a CSV file has more values than there are
        names, or there is no example.
      ModuleNotFoundError: if pandas, or pyarrow for Parquet, is not installed.
    """
    if isinstance(missing, str):
        raise TypeError(
            f"`missing` must be a list of strings, like ['?']. Received: {missing!r}."
        )
    pairs = list(_pairs(source, missing))
    names = [name for name, _ in pairs]
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"A column's name must be a string. Received: {name!r}. Rename it."
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Each column needs a name of its own. Received more than once: {twice}. "
            "Rename or drop one of them."
        )
    columns = {name: _array(name, values, missing) for name, values in pairs}
    _check_lengths(columns)
    return columns


def is_table(source: Any) -> bool:
    """Whether `read` takes it; a path counts by its ending."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source).endswith((".csv", ".csv.gz", ".parquet"))
    return isinstance(source, Mapping) or bool(_library(source))


def require(columns: Mapping[str, Any], names: Sequence[str], what: str) -> None:
    """Raises a ValueError that names a column which is not there.

    Args:
      columns: the columns.
      names: those that are needed.
      what: the argument that asks for them, for the error.
    """
    absent = [name for name in names if name not in columns]
    if absent:
        raise ValueError(
            f"`{what}` names a column that the table does not have. Received: "
            f"{absent[0]!r}.{named.did_you_mean(absent[0], columns)} Columns: "
            f"{list(columns)}."
        )


def is_missing(values: np.ndarray) -> np.ndarray:
    """Where a column has no value: None, NaN, or an empty string.

    Args:
      values: `[examples]`.

    Returns:
      bool `[examples]`.
    """
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(len(values), bool)
    return np.fromiter((_value(value, ()) is None for value in values), bool)


def _library(source: Any) -> str:
    """The library whose table this is, without importing it; "" for none."""
    kinds = {("pandas", "DataFrame"), ("pyarrow", "Table"), ("datasets", "Dataset")}
    for kind in type(source).__mro__:
        package = kind.__module__.partition(".")[0]
        if (package, kind.__name__) in kinds:
            return package
    return ""


def _pairs(source: Any, missing: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """(name, values) of each column, a name as often as it occurs."""
    if isinstance(source, str | os.PathLike):
        source = _from_file(os.fspath(source), missing)
    library = _library(source)
    if library == "datasets":
        yield from _of_hugging_face(source)
        return
    if library == "pyarrow":
        # Its own categories, missing values and lists come out as pandas has them.
        names = source.column_names
        yield from ((n, source.column(i).to_pandas()) for i, n in enumerate(names))
    elif library == "pandas":
        names = list(source.columns)
        yield from ((name, source.iloc[:, i]) for i, name in enumerate(names))
    elif isinstance(source, Mapping):
        yield from source.items()
    else:
        raise TypeError(
            f"A table must be {KINDS}. Received: {type(source).__name__}. Convert it "
            "to one of these."
        )


def _of_hugging_face(source: Any) -> Iterator[tuple[str, Any]]:
    arrays = source.with_format("numpy")[:]
    for name, feature in source.features.items():
        names = getattr(feature, "names", None)
        values = arrays[name]
        if names:
            # As the library has it, -1 is a label that is not known.
            values = np.array([*names, None], object)[np.asarray(values, np.int64)]
        yield name, values


def _from_file(path: str, missing: Sequence[str]) -> Any:
    if not path.endswith((".csv", ".csv.gz", ".parquet")):
        raise ValueError(
            f"A table's file must end in .csv, .csv.gz or .parquet. Received: {path!r}."
        )
    if not files.exists(path) or files.gfile.isdir(path):
        raise ValueError(f"There is no file {path!r}. Give the path of a table.")
    pandas = _import("pandas", path)
    try:
        content = io.BytesIO(files.read_bytes(path))
        if path.endswith(".parquet"):
            return _import("pyarrow.parquet", path).read_table(content)
        options: dict[str, Any] = {
            "compression": "gzip" if path.endswith(".gz") else None,
            "skipinitialspace": True,
        }
        named = _named(
            pandas.read_csv(
                content, header=None, nrows=1, keep_default_na=False, **options
            )
        )
        content.seek(0)
        # Of a header that is too short pandas would make the first columns an index,
        # and shift the others, if the first line of values did not have to fit here.
        pandas.read_csv(content, header=None, nrows=2, **options)
        content.seek(0)
        # In one piece: in several, one column could come out with mixed types.
        frame = pandas.read_csv(
            content, low_memory=False, na_values=list(missing), **options
        )
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} cannot be read as a table: it is no UTF-8 text ({error}). Save it "
            "as CSV in UTF-8."
        ) from error
    except (ValueError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        longer = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason)
        if longer:
            names, line, values = longer.groups()
            reason = (
                f"line {line} has {values} values, and the first line {names} names. "
                "Name every column, or remove a comma at the end of the lines."
            )
        raise ValueError(f"{path} cannot be read as a table: {reason}") from error
    if not all(named):
        places = [place for place, name in enumerate(named, 1) if not name]
        warnings.warn(
            f"{path} has no name in its first line for the columns {places}, counted "
            "from 1, such as an index of pandas. They are left out: to use one, name "
            "it.",
            stacklevel=2,
        )
    return frame.loc[:, named]


def _named(first: Any) -> list[bool]:
    """Which columns have a name; ValueError where pandas would change one."""
    names = [str(name) for name in first.iloc[0]]
    if len(names) == 1 and names[0].count(";") > 0:
        raise ValueError(
            f"its columns seem to be apart by ';': {names[0]!r}. Save it with commas."
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise ValueError(f"its first line has more than once: {twice}. Rename one.")
    return [bool(name) for name in names]


def _import(name: str, path: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        raise ModuleNotFoundError(
            f"{path} is read with {package}, which is not installed: pip install "
            f"{package}."
        ) from error


def _array(name: str, values: Any, missing: Sequence[str]) -> np.ndarray:
    array = np.atleast_1d(_plain(name, values))
    if array.dtype.kind in "SU":
        array = array.astype(object)
    if array.dtype.kind == "O" and array.ndim == 1:
        array = np.array([_value(value, missing) for value in array] + [None], object)
        array = _stacked(array[:-1])
    return array


def _plain(name: str, values: Any) -> np.ndarray:
    """An array, without pandas' own types of columns."""
    dtype = getattr(values, "dtype", None)
    if not isinstance(dtype, np.dtype) and hasattr(values, "to_numpy"):
        kind = getattr(dtype, "kind", "O")
        if kind == "b" and not values.isna().any():
            return values.to_numpy(bool)
        # A category's values, whatever its codes are, have a kind of their own.
        if kind in "iuf" and not hasattr(dtype, "categories"):
            if not values.isna().any():
                return values.to_numpy(getattr(dtype, "numpy_dtype", None))
            return values.to_numpy(np.float64, na_value=np.nan)
        return values.to_numpy(object)
    if isinstance(values, np.ma.MaskedArray):
        return _unmasked(values)
    if hasattr(values, "__array__"):
        return np.asarray(values)
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise ValueError(
            f"Column {name!r} must have one value for each example. Received: "
            f"{values!r}."
        )
    values = list(values)
    if any(isinstance(value, str | bytes) or value is None for value in values):
        # As it is: NumPy would turn a number between strings into a string.
        array = np.empty(len(values), object)
        array[:] = values
        return array
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"Column {name!r} must have values of one shape. Received: lists of "
            "different lengths. Pad them."
        ) from error


def _unmasked(values: np.ma.MaskedArray) -> np.ndarray:
    """NaN or None where a value is masked; what is below a mask means nothing."""
    masked = np.ma.getmaskarray(values)
    if not masked.any():
        return values.data
    numbers = {"f": values.dtype, "i": np.float64, "u": np.float64}
    plain = values.data.astype(numbers.get(values.dtype.kind, object))
    plain[masked] = None if plain.dtype == object else np.nan
    return plain


def _value(value: Any, missing: Sequence[str]) -> Any:
    """A value as Python has it: str for bytes, None for every missing value."""
    if isinstance(value, decimal.Decimal):
        # An integer of a database may have more digits than a float.
        value = int(value) if value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, bytes | np.bytes_):
        value = value.decode()
    if isinstance(value, str):
        return None if not value.strip() or value.strip() in missing else str(value)
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, float | np.floating) and value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value


def _stacked(array: np.ndarray) -> np.ndarray:
    """Numbers that came as objects, and lists of one length, as one array."""
    kinds = {type(value) for value in array} - {type(None)}
    if kinds and kinds <= {bool} and None not in array:
        return array.astype(bool)
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if value is None else value for value in array])
    if kinds and kinds <= {list, tuple, np.ndarray}:
        shapes = {np.shape(value) for value in array}
        return np.stack(array.tolist()) if len(shapes) == 1 else array
    return array


def _check_lengths(columns: Mapping[str, np.ndarray]) -> None:
    if not columns:
        raise ValueError("A table must have at least one column. Received: none.")
    first, *others = columns
    size = len(columns[first])
    for name in others:
        if len(columns[name]) != size:
            raise ValueError(
                "Every column must have one value for each example. Received: "
                f"{len(columns[name])} in {name!r}, {size} in {first!r}."
            )
    if not size:
        raise ValueError("A table must have at least one example. Received: none.")
