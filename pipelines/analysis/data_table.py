"""Typed columns and rows, from which the CSV file and the report are written."""

import csv
import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Kind(NamedTuple):
    """How a column's values are written.

    Attributes:
      exact: format of the CSV.
      shown: format in the report.
      scale: what a value is multiplied by before it is shown.
    """

    exact: str
    shown: str
    scale: float = 1

    @property
    def numeric(self) -> bool:
        return self.exact != "{}"


TEXT = Kind("{}", "{}")
COUNT = Kind("{:.0f}", "{:,.0f}")
TEMPERATURE = Kind("{:g}", "{:g}")
PERCENT = Kind("{:.6f}", "{:.2f}", scale=100)
POINTS = Kind("{:.6f}", "{:+.2f}", scale=100)
TENTHS = Kind("{:.6f}", "{:.1f}")
DECIMAL = Kind("{:.6f}", "{:.3f}")


class Column(NamedTuple):
    """A column of a table.

    Attributes:
      name: in the CSV, and the key in the rows.
      title: for people.
      kind: how values are written.
      optional: whether it is left out where all its cells are empty.
    """

    name: str
    title: str
    kind: Kind = TEXT
    optional: bool = False


@dataclasses.dataclass(frozen=True)
class DataTable:
    """Rows of values under named columns.

    Attributes:
      name: file name without ending, and anchor in the report.
      caption: what the table shows, for people.
      columns: in order.
      rows: column name -> value; None and NaN are empty cells.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]

    def __post_init__(self) -> None:
        columns = tuple(
            column
            for column in self.columns
            if not column.optional
            or any(not is_empty(row.get(column.name)) for row in self.rows)
        )
        object.__setattr__(self, "columns", columns)

    def exact(self, row: Mapping[str, Any], column: Column) -> str:
        """The value as in the CSV file.

        A text that a spreadsheet would run as a formula begins with an apostrophe.
        """
        value = row.get(column.name)
        if is_empty(value):
            return ""
        text = column.kind.exact.format(value)
        if column.kind.numeric:
            return _zero(text)
        return f"'{text}" if text.startswith(_FORMULA) else text

    def shown(self, row: Mapping[str, Any], column: Column) -> str:
        """The value for people; a dash where there is none."""
        value: Any = row.get(column.name)
        if is_empty(value):
            return "-"
        if column.kind.numeric:
            value = value * column.kind.scale
        return _zero(column.kind.shown.format(value))

    def csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        for row in self.rows:
            writer.writerow([self.exact(row, column) for column in self.columns])
        return text.getvalue()


def is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _zero(text: str) -> str:
    """Without the sign of a number that was rounded to zero."""
    return text[1:] if text[:1] in "+-" and not text.strip("+-0.") else text
