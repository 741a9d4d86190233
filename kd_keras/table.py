"""A small table of text, shown in a terminal and in a notebook."""

import dataclasses
import html
import math
from collections.abc import Sequence
from typing import Any, NamedTuple


class Table(NamedTuple):
    """Cells that are formatted already; they may hold any characters.

    Attributes:
      title: one line above the table; "" for none.
      columns: heads of the columns; the first column names the rows.
      rows: one cell for each column.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """Aligned columns: the first to the left, the others to the right."""
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = [
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *aligned] if self.title else aligned)

    def html(self) -> str:
        """A `<table>`, with every cell escaped."""
        title = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        heads = _cells("th", self.columns, ' scope="col"')
        rows = (
            _cells("th", row[:1], ' scope="row"') + _cells("td", row[1:])
            for row in self.rows
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return (
            f"<table>{title}<thead><tr>{heads}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


def _cells(tag: str, cells: Sequence[str], attributes: str = "") -> str:
    return "".join(f"<{tag}{attributes}>{html.escape(c)}</{tag}>" for c in cells)


def fields_html(instance: Any, names: Sequence[str] = ()) -> str:
    """A dataclass as a table; a `_repr_html_` for small ones.

    Args:
      instance: of the dataclass.
      names: attributes to show; its fields by default.
    """
    names = names or [field.name for field in dataclasses.fields(instance)]
    rows = [(name.replace("_", " "), shown(getattr(instance, name))) for name in names]
    return Table("", (type(instance).__name__, ""), rows).html()


def shown(value: Any) -> str:
    """A value for a cell: floats with 4 digits, sequences with commas."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    return str(value)


def number(value: float, form: str = ".4g") -> str:
    """A number for a cell; NaN is "undefined"."""
    return "undefined" if math.isnan(value) else format(value, form)
