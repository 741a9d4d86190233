"""Values with their intervals, as a small figure inside of HTML."""

import html
import math
from collections.abc import Mapping

from kd_keras.fairness import Interval

# In pixels.
_NAMES, _AXIS, _MARGIN, _ROW, _LETTER = 130, 200, 24, 20, 6.5


def intervals_svg(
    title: str, intervals: Mapping[str, Interval], names: int = _NAMES
) -> str:
    """Draws one row for each interval on a common axis, in percent.

    Lines and letters have the color of the text around them, so that the figure can
    be read on dark and on light ground.

    Args:
      title: above the figure, and its name for a screen reader.
      intervals: name -> interval; an undefined one has no mark.
      names: width that the names have, in pixels.

    Returns:
      An `<svg>`, every text escaped; "" where nothing is defined.
    """
    defined = [i for i in intervals.values() if not math.isnan(i.value)]
    if not defined:
        return ""
    low = min(interval.low for interval in defined)
    high = max(interval.high for interval in defined)
    span = (high - low) or 1.0

    def position(value: float) -> str:
        return f"{names + _AXIS * (value - low) / span:.1f}"

    bottom = _ROW * (len(intervals) + 1) + _ROW // 2
    parts = [_text(names, _ROW - 6, title, "font-weight='bold'")]
    for row, (name, interval) in enumerate(intervals.items(), 1):
        y = _ROW * row + _ROW // 2 + 4
        shown = _shortened(name, int((names - 12) / _LETTER))
        parts.append(_text(names - 12, y + 4, shown, "text-anchor='end'"))
        if not math.isnan(interval.value):
            ends = f"x1='{position(interval.low)}' x2='{position(interval.high)}'"
            parts.append(f"<line {ends} y1='{y}' y2='{y}' stroke='currentColor'/>")
            parts.append(f"<circle cx='{position(interval.value)}' cy='{y}' r='4'/>")
    for end, x in ((low, names), (high, names + _AXIS)):
        label = f"{100 * end:.1f} %"
        parts.append(_text(x, bottom + 12, label, "text-anchor='middle'"))
    width, height = names + _AXIS + _MARGIN, bottom + _ROW
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        "fill='currentColor' font-size='12' font-family='sans-serif' role='img' "
        f"aria-label='{html.escape(title)}'>{''.join(parts)}</svg>"
    )


def _text(x: int, y: int, text: str, attributes: str) -> str:
    return f"<text x='{x}' y='{y}' {attributes}>{html.escape(text)}</text>"


def _shortened(name: str, limit: int) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1]}…"
