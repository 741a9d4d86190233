"""The summary as plain text, for the end of a study."""

from pipelines.analysis.results import Study
from pipelines.analysis.table import PERCENT, Table, is_empty

_WIDTHS = {"model": 10, "accuracy": 18, "dpd": 18, "eod": 18, "base_rate_gap": 17}
_TITLES = ("model", "accuracy %", "DPD %", "EOD %", "base rate gap %")


def plain_text(study: Study, summary: Table) -> str:
    """One aligned block per attribute, at most 100 characters wide."""
    lines = [
        f"{study.spec.name}, {study.split} split: mean ± sd over the seeds",
    ]
    for attribute in dict.fromkeys(row["attribute"] for row in summary.rows):
        lines += ["", attribute[:90] or "all", _line(_TITLES)]
        for row in summary.rows:
            if row["attribute"] == attribute:
                temperature = row["temperature"]
                title = row["model"] if temperature is None else f"T={temperature:g}"
                measured = [_mean(row, name) for name in ("accuracy", "dpd", "eod")]
                gap = row.get("base_rate_gap")
                base = "-" if is_empty(gap) else PERCENT.shown.format(100 * gap)
                lines.append(_line((title, *measured, base)))
    return "\n".join(lines)


def _mean(row, metric: str) -> str:
    mean, sd = row.get(f"{metric}_mean"), row.get(f"{metric}_sd")
    if is_empty(mean):
        return "-"
    spread = "" if is_empty(sd) else f" ± {100 * sd:5.2f}"
    return f"{100 * mean:.2f}{spread}"


def _line(cells) -> str:
    first, *others = cells
    widths = list(_WIDTHS.values())
    line = first.ljust(widths[0])
    line += "".join(
        cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)
    )
    return line.rstrip()
