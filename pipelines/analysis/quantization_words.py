"""What converting a model to LiteRT changes, in lines for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.analysis.data_table import DataTable
from pipelines.analysis.measures import GAP_OF, TITLES, model_of
from pipelines.analysis.results import Model
from pipelines.studies.layout import Run
from pipelines.terminal import printable

_HEAD = ("format", "KB", "ms each", "accuracy %", "change", "widest change of a gap")
_LINE = "{:<14}{:>9}{:>9}{:>12}{:>8}   {}"


def told(tables: Sequence[DataTable], run: Run) -> str:
    """A line a format, and what changes surely; changes are points.

    Args:
      tables: of the report, with that of `quantization.litert_table`.
      run: that was converted.
    """
    (table,) = [table for table in tables if table.name == "litert"]
    formats: dict[str, list[Mapping[str, Any]]] = {}
    for row in table.rows:
        if (model_of(row), row["seed"]) == (Model.of(run), run.seed):
            formats.setdefault(row["format"], []).append(row)
    lines = [_LINE.format(*_HEAD)]
    lines += [_line(name, rows) for name, rows in formats.items()]
    sure = [text for name, rows in formats.items() for text in _sure(name, rows)]
    lines += sure or ["no format surely changes the accuracy, or widens a gap"]
    return printable.lines(lines)


def _line(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    one = rows[0]  # What is not about groups is the same in every row.
    changes = [
        (row[f"{gap}_change"], f"{TITLES[gap]} by {row['attribute']}")
        for row in rows
        for gap in GAP_OF
        if not np.isnan(row.get(f"{gap}_change", np.nan))
    ]
    change, where = max(changes, default=(np.nan, ""), key=lambda c: abs(c[0]))
    return _LINE.format(
        name,
        f"{one['bytes'] / 1000:,.1f}",
        f"{one['milliseconds']:.3f}",
        f"{100 * one['accuracy']:.1f}",
        _points(one["accuracy_change"]),
        f"{_points(change)}, {where}" if where else "-",
    )


def _sure(name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What has an interval on one side of zero: the accuracy, and gaps that widen."""
    one = rows[0]
    found = []
    if one["accuracy_low"] > 0 or one["accuracy_high"] < 0:
        found.append(f"{name} surely changes the accuracy by {_interval(one)}")
    found += [
        f"{name} surely widens {TITLES[gap]} by {row['attribute']} by "
        + _interval(row, gap)
        for row in rows
        for gap in GAP_OF
        if row.get(f"{gap}_low", np.nan) > 0
    ]
    return found


def _interval(row: Mapping[str, Any], name: str = "accuracy") -> str:
    change, low, high = (row[f"{name}_{end}"] for end in ("change", "low", "high"))
    return f"{_points(change)} points ({_points(low)} to {_points(high)})"


def _points(change: float) -> str:
    text = f"{100 * change:+.1f}"
    return text[1:] if not text.strip("+-0.") else text
