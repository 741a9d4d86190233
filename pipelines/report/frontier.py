"""Accuracy against the gap as a picture whose points can be pointed at."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from kd_keras.fairness import GAPS, Interval
from pipelines.analysis.frontier import GAP, Point
from pipelines.report.drawing import file_name

WIDTH, HEIGHT = 480, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 466, 12, 284
# Ticks are multiples of these, in per cent.
_STEPS = (0.5, 1, 2, 5, 10, 20, 50)
_MOST_TICKS = 6
# Of a name at its largest, on a narrow screen; in pixels.
_LETTER, _LINE = 9, 15


class Scale(NamedTuple):
    """Per cent to pixels along one axis.

    Attributes:
      first, last: ends in per cent, multiples of `step`.
      step: between two ticks.
      begin, end: pixels of first and last.
    """

    first: float
    last: float
    step: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        share = (value - self.first) / (self.last - self.first)
        return round(self.begin + min(max(share, 0), 1) * (self.end - self.begin), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        count = round((self.last - self.first) / self.step) + 1
        values = [self.first + i * self.step for i in range(count)]
        return [(self.place(value), f"{value:g}") for value in values]


class Mark(NamedTuple):
    """One model; places in pixels.

    Attributes:
      title, kind: its name; "teacher", "nds" or "student".
      x, y: its place.
      across, along: ends of the interval of the error, and of the gap.
      on_front: whether it is on the frontier.
      said: its numbers in words.
      label: where its name begins.
    """

    title: str
    kind: str
    x: float
    y: float
    across: tuple[float, float]
    along: tuple[float, float]
    on_front: bool
    said: str
    label: tuple[float, float] = (0, 0)


class Frontier(NamedTuple):
    """One picture.

    Attributes:
      name: for its ids.
      attribute: whose groups.
      short: name of the gap.
      x, y: axes of the error and of the gap.
      marks: the models.
      line: points of the polyline through the frontier, for SVG.
    """

    name: str
    attribute: str
    short: str
    x: Scale
    y: Scale
    marks: Sequence[Mark]
    line: str


def frontiers(found: Sequence[Point]) -> list[Frontier]:
    """One picture for each attribute."""
    return [
        _frontier(attribute, [p for p in found if p.attribute == attribute])
        for attribute in dict.fromkeys(point.attribute for point in found)
    ]


def _frontier(attribute: str, found: list[Point]) -> Frontier:
    x = _scale([point.error for point in found], _LEFT, _RIGHT)
    y = _scale([point.gap for point in found], _BOTTOM, _TOP)
    marks = _labelled([_mark(point, x, y) for point in found])
    front = sorted((mark.x, mark.y) for mark in marks if mark.on_front)
    line = " ".join(f"{a},{b}" for a, b in front)
    name = file_name("frontier", attribute)
    return Frontier(name, attribute, GAPS[GAP].short, x, y, marks, line)


def _scale(found: Sequence[Interval], begin: float, end: float) -> Scale:
    ends = [100 * e for one in found for e in (one.low, one.high, one.value)]
    known = [value for value in ends if math.isfinite(value)]
    low, high = min(known), max(known)
    step = next((s for s in _STEPS if (high - low) / s <= _MOST_TICKS - 2), _STEPS[-1])
    first = max(math.floor(low / step) * step, 0)
    last = max(min(math.ceil(high / step) * step, 100), first + step)
    return Scale(first, last, step, begin, end)


def _mark(point: Point, x: Scale, y: Scale) -> Mark:
    name = point.model.name
    short = GAPS[GAP].short
    said = (
        f"{point.model.title}: error {_words(point.error)}, {short} by "
        f"{point.attribute} {_words(point.gap)}"
    )
    return Mark(
        point.model.title,
        name if name in ("teacher", "nds") else "student",
        x.place(100 * point.error.value),
        y.place(100 * point.gap.value),
        _ends(point.error, x),
        _ends(point.gap, y),
        point.on_front,
        said,
    )


def _labelled(marks: list[Mark]) -> list[Mark]:
    """Names beside their marks, where they cover no other name and no mark."""
    taken = [(mark.x - 6, mark.y - 6, mark.x + 6, mark.y + 6) for mark in marks]
    found = []
    for mark in marks:
        width = _LETTER * len(mark.title)
        places = [
            (mark.x + dx - (width if dx < 0 else 0), mark.y + dy)
            for dy in (-8, 18, -24, 34, -40, 50)
            for dx in (9, -9)
        ]
        boxes = [(x, y - _LINE, x + width, y) for x, y in places]
        covered = [sum(_overlap(box, other) for other in taken) for box in boxes]
        best = covered.index(min(covered))
        taken.append(boxes[best])
        found.append(mark._replace(label=places[best]))
    return found


def _overlap(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)


def _ends(interval: Interval, scale: Scale) -> tuple[float, float]:
    """In pixels; both at the value where there is no interval."""
    ends = (interval.low, interval.high)
    known = ends if all(map(math.isfinite, ends)) else (interval.value,) * 2
    return scale.place(100 * known[0]), scale.place(100 * known[1])


def _words(interval: Interval) -> str:
    value, low, high = (100 * e for e in (interval.value, interval.low, interval.high))
    if not math.isfinite(low + high):
        return f"{value:.1f} %"
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"
