"""The first screen: the answer, and the picture of it as data and as drawn rows."""

import dataclasses
import decimal
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pipelines.analysis.answer import Answer
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.group_losses import GroupLoss, Measure
from pipelines.analysis.loss_table import loss_table

# A picture of more groups would be too long to read; the table has all.
MOST_GROUPS = 40
# The least that an axis spans: small changes shall look small.
_LEAST_SPAN = 20
_STATES = {(True, False): "worse", (False, True): "better"}
_UNSURE = "unsure"
ORDER = "the sure ones first, each the worst first"
WORDS = {"worse": "surely worse", "better": "surely better", _UNSURE: "not sure"}


class Dot(NamedTuple):
    """One group in the picture; rates and changes in per cent.

    Attributes:
      model, attribute, measure: indices into what can be selected.
      group: its name.
      examples: in the denominator.
      teacher, student: rates.
      low, high: of the student's rate alone.
      change_low, change_high: of the student's rate minus the teacher's.
      state: a key of WORDS.
    """

    model: int
    attribute: int
    measure: int
    group: str
    examples: int
    teacher: float
    student: float
    low: float
    high: float
    change_low: float
    change_high: float
    state: str

    @property
    def change(self) -> float:
        return self.student - self.teacher


class Axis(NamedTuple):
    """A part of 0 to 100 per cent, in tens."""

    first: int
    last: int

    def place(self, value: float) -> str:
        """Where a value is, in per cent of the axis."""
        share = (value - self.first) / (self.last - self.first)
        return f"{100 * min(max(share, 0), 1):.2f}%"

    @property
    def ticks(self) -> list[int]:
        step = 10 if self.last - self.first <= 50 else 20
        return list(range(self.first, self.last + 1, step))


@dataclasses.dataclass(frozen=True)
class FirstScreen:
    """What is seen first.

    Attributes:
      answer: sentence, evidence and cards.
      choices: what -> the names that can be selected: "model", "attribute", "measure".
      chosen: what -> index of the one that is selected at first.
      of_wrong: whether more of a measure is worse, by measure.
      dots: every group of every selection, in the order of `Losses.groups`.
      table: the same numbers.
    """

    answer: Answer
    choices: Mapping[str, Sequence[str]]
    chosen: Mapping[str, int]
    of_wrong: Sequence[bool]
    dots: Sequence[Dot]
    table: DataTable

    @property
    def shown(self) -> list[Dot]:
        """What is selected at first."""
        return self._selected[:MOST_GROUPS]

    @property
    def more(self) -> int:
        """How many groups are selected at first and not shown."""
        return len(self._selected) - len(self.shown)

    @property
    def _selected(self) -> list[Dot]:
        wanted = tuple(self.chosen.values())
        return [dot for dot in self.dots if dot[:3] == wanted]

    @property
    def axis(self) -> Axis:
        """That of what is selected at first."""
        return axis(self.shown)

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script draws from."""
        return {
            "choices": dict(self.choices),
            "ofWrong": list(self.of_wrong),
            "words": WORDS,
            "order": ORDER,
            "mostGroups": MOST_GROUPS,
            "leastSpan": _LEAST_SPAN,
            "dots": [[_short(value) for value in dot] for dot in self.dots],
        }


def first_screen(answer: Answer) -> FirstScreen | None:
    """The first screen of an answer; None where there is nothing to draw."""
    top = answer.top
    if top is None:
        return None
    rows = [row for losses in answer.losses.values() for row in losses.groups]
    models = list(answer.losses)
    compared = {row.attribute for row in rows}
    attributes = [name for name in answer.attributes if name in compared]
    measures = sorted({row.measure for row in rows}, key=_place)
    dots = [
        _dot(
            row,
            models.index(row.model),
            attributes.index(row.attribute),
            measures.index(row.measure),
        )
        for row in rows
    ]
    return FirstScreen(
        answer,
        {
            "model": [model.title for model in models],
            "attribute": attributes,
            "measure": [measure.title for measure in measures],
        },
        {
            "model": models.index(top.model),
            "attribute": attributes.index(top.attribute),
            "measure": measures.index(top.measure),
        },
        [measure.of_wrong for measure in measures],
        dots,
        loss_table(answer.losses.values()),
    )


def axis(dots: Iterable[Dot]) -> Axis:
    """The tens around all marks, of at least a width; never beyond 0 and 100."""
    marks = [
        mark
        for dot in dots
        for mark in (
            dot.teacher,
            dot.student,
            dot.teacher + dot.change_low,
            dot.teacher + dot.change_high,
        )
    ]
    first = max(10 * math.floor(min(marks) / 10), 0)
    last = min(10 * math.ceil(max(marks) / 10), 100)
    if last - first < _LEAST_SPAN:
        first = max(last - _LEAST_SPAN, 0)
        last = first + _LEAST_SPAN
    return Axis(first, last)


def _place(measure: Measure) -> tuple[bool, bool]:
    """Accuracy before the rates of one label, and those of right answers first."""
    return measure.label is not None, measure.of_wrong


def _dot(row: GroupLoss, model: int, attribute: int, measure: int) -> Dot:
    rate = row.measure.rate
    sign = 1 if row.measure.of_wrong else -1
    low, high = sorted(100 * rate(end) for end in (row.student.low, row.student.high))
    change = sorted(100 * sign * end for end in (row.loss.low, row.loss.high))
    return Dot(
        model,
        attribute,
        measure,
        row.group,
        row.examples,
        100 * rate(row.teacher),
        100 * rate(row.student.value),
        low,
        high,
        change[0],
        change[1],
        _STATES.get((row.fails, row.gains), _UNSURE),
    )


def tenths(value: float, *, sign: bool = False) -> str:
    """With one decimal, rounded as JavaScript's toFixed does: halves away from 0."""
    rounded = decimal.Decimal(_short(value) + 0.0).quantize(
        decimal.Decimal("0.1"), decimal.ROUND_HALF_UP
    )
    return f"{rounded:+}" if sign else f"{rounded}"


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
