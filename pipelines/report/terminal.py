"""The result as plain text, for the end of a study."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.analysis.answer import Answer
from pipelines.analysis.data_table import PERCENT, DataTable, is_empty
from pipelines.analysis.measures import BASE_RATE_GAP, TITLES, model_of
from pipelines.analysis.results import Study
from pipelines.terminal import printable

WIDTH = 78
_HEADS = ("model", *(f"{title} %" for title in TITLES.values()))
_WIDTHS = (24, *(18 for _ in TITLES))


def plain_text(study: Study, summary: DataTable, answer: Answer) -> str:
    """Whom the student fails, how sure that is, what to do; and a block per attribute.

    At most WIDTH characters wide.
    """
    lines = [*_sentences(answer)]
    lines += ["", f"{study.spec.name}, {study.split} split: mean ± sd over the seeds"]
    for attribute in dict.fromkeys(row["attribute"] for row in summary.rows):
        rows = [row for row in summary.rows if row["attribute"] == attribute]
        lines += ["", _shortened(_about(attribute, rows), WIDTH), _line(_HEADS)]
        for row in rows:
            title = _shortened(model_of(row).title, _WIDTHS[0] - 1)
            lines.append(_line((title, *(_mean(row, name) for name in TITLES))))
    return printable.lines(lines)


def _sentences(answer: Answer) -> list[str]:
    """A few, without the numbers that the report has beside them."""
    said = [("whom", answer.sentence)]
    said += [("how sure", sentence) for sentence in answer.evidence[:1]]
    said += [("lowest", answer.lowest)] if answer.lowest else []
    said += [("what to do", card.sentences[0]) for card in answer.cards[-1:]]
    return [
        line
        for name, sentence in said
        for line in textwrap.wrap(
            # Before a line break of a name is taken for one of the text.
            f"{name}:".ljust(12) + printable.printable(sentence),
            WIDTH,
            subsequent_indent=" " * 12,
        )
    ]


def _about(attribute: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The attribute, and what the labels differ between its groups."""
    gap: Any = rows[0].get(BASE_RATE_GAP)
    if not attribute or is_empty(gap):
        return attribute or "all"
    return f"{attribute} (base rate gap {PERCENT.shown.format(100 * gap)} %)"


def _mean(row: Mapping[str, Any], metric: str) -> str:
    mean: Any = row.get(f"{metric}_mean")
    sd: Any = row.get(f"{metric}_sd")
    if is_empty(mean):
        return "-"
    spread = "" if is_empty(sd) else f" ± {100 * sd:5.2f}"
    return f"{100 * mean:.2f}{spread}"


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."


def _line(cells: Sequence[str]) -> str:
    first, *others = cells
    line = first.ljust(_WIDTHS[0])
    line += "".join(
        cell.rjust(width) for cell, width in zip(others, _WIDTHS[1:], strict=True)
    )
    return line.rstrip()
