"""Figures as files and as SVG that takes on the page's colours."""

import dataclasses
import io
import math
import re
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# Stand-ins that are replaced where the figure becomes part of the page.
INK = "#010203"
PAPER = "#fdfeff"
SMALLEST = 11  # Pixels of a text in the page.

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": "medium",
    "figure.facecolor": PAPER,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": 11,
    "grid.alpha": 0.25,
    "grid.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    # A class may be called $x$.
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclasses.dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes:
      name: file name without ending.
      caption: what it shows and how to read it, for people.
      svg: the file, UTF-8.
      png: the file.
    """

    name: str
    caption: str
    svg: bytes
    png: bytes

    @property
    def inline(self) -> str:
        """The SVG element: the page's ink, no background, ids of its own."""
        svg = self.svg.decode("utf-8")
        svg = svg[svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
        svg = re.sub(r'<g id="[^"]*"', "<g", svg)
        svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
        least, most = self._widths(svg)
        svg = svg.replace(
            "<svg", f'<svg style="min-width:{least}px;max-width:{most}px"', 1
        )
        return svg.replace(INK, "currentColor").replace(PAPER, "none")

    @staticmethod
    def _widths(svg: str) -> tuple[int, int]:
        """At which widths the smallest text has SMALLEST pixels, and half more."""
        sizes = re.findall(r"font(?:-size)?: (?:\w+ )*?([\d.]+)px", svg)
        width = float(re.findall(r'viewBox="0 0 ([\d.]+)', svg)[0])
        scale = SMALLEST / min(map(float, sizes), default=SMALLEST)
        return math.ceil(width * scale), math.ceil(1.5 * width * max(scale, 1))


def style(name: str) -> AbstractContextManager[None]:
    """Context in which a figure of this name is made and saved."""
    # The salt makes ids the same in every run and distinct between figures.
    return mpl.rc_context({**_STYLE, "svg.hashsalt": name})


def file_name(*parts: str) -> str:
    """Joins what is not empty; other characters than letters and digits become _."""
    name = "_".join(part for part in parts if part)
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)


def save(figure: Figure, name: str, caption: str, image_dpi: int = 100) -> Drawing:
    """Renders a figure; the bytes depend on nothing but the figure.

    Args:
      figure: what to render.
      name: file name without ending.
      caption: for people.
      image_dpi: pixels per inch of the images in the SVG.
    """
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", dpi=image_dpi, metadata={"Date": None})
    # The layout is costly and the same in both.
    figure.set_layout_engine("none")
    figure.savefig(png, format="png", dpi=150)
    return Drawing(name, caption, svg.getvalue(), png.getvalue())
