"""The summary as plain text, for the end of a study."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.analysis.data_table import PERCENT, DataTable, is_empty
from pipelines.analysis.measures import BASE_RATE_GAP, TITLES
from pipelines.analysis.results import Study

_HEADS = ("model", *(f"{title} %" for title in TITLES.values()), "base rate gap %")
_WIDTHS = (10, *(18 for _ in TITLES), 17)


def plain_text(study: Study, summary: DataTable) -> str:
    """One aligned block per attribute, at most 100 characters wide."""
    lines = [
        f"{study.spec.name}, {study.split} split: mean ± sd over the seeds",
    ]
    for attribute in dict.fromkeys(row["attribute"] for row in summary.rows):
        lines += ["", attribute[:90] or "all", _line(_HEADS)]
        for row in summary.rows:
            if row["attribute"] == attribute:
                temperature = row["temperature"]
                title = row["model"] if temperature is None else f"T={temperature:g}"
                measured = [_mean(row, name) for name in TITLES]
                gap: Any = row.get(BASE_RATE_GAP)
                base = "-" if is_empty(gap) else PERCENT.shown.format(100 * gap)
                lines.append(_line((title, *measured, base)))
    return "\n".join(lines)


def _mean(row: Mapping[str, Any], metric: str) -> str:
    mean: Any = row.get(f"{metric}_mean")
    sd: Any = row.get(f"{metric}_sd")
    if is_empty(mean):
        return "-"
    spread = "" if is_empty(sd) else f" ± {100 * sd:5.2f}"
    return f"{100 * mean:.2f}{spread}"


def _line(cells: Sequence[str]) -> str:
    first, *others = cells
    line = first.ljust(_WIDTHS[0])
    line += "".join(
        cell.rjust(width) for cell, width in zip(others, _WIDTHS[1:], strict=True)
    )
    return line.rstrip()
