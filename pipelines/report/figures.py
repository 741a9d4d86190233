"""The report's figures: curves against the temperature, matrices, a trade-off."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from pipelines.analysis.curves import Curve
from pipelines.report.drawing import INK, Drawing, save, style

# Okabe and Ito's colours; line style and marker tell them apart without colour.
TEACHER_LINE: dict[str, Any] = {"color": "#009E73", "linestyle": "--"}
NDS_LINE: dict[str, Any] = {"color": "#D55E00", "linestyle": ":"}
STUDENT_LINE: dict[str, Any] = {"color": "#0072B2", "marker": "o"}
CHANCE_LINE: dict[str, Any] = {
    "color": "#8a8a8a",
    "linestyle": (0, (1, 4)),
    "linewidth": 2,
}
PUBLISHED_LINE: dict[str, Any] = {
    "color": "#CC79A7",
    "linestyle": "-.",
    "marker": "s",
    "markersize": 4,
}

# Cells of larger matrices are too small for a number.
MOST_NUMBERED = 12
_MOST_SHARP = 200
_LONGEST_NAME = 14


def curve_figure(
    curve: Curve, *, name: str, ylabel: str, caption: str, scale: float = 1
) -> Drawing:
    """A measure of the distilled students against T, beside teacher and nds.

    Args:
      curve: the measure.
      name: file name without ending.
      ylabel: the measure and its unit.
      caption: for people.
      scale: what the values are multiplied by; 100 for percent.
    """
    mean, lower, upper = (scale * values for values in curve.band)
    with style(name):
        figure = Figure(figsize=(4.8, 3.6))
        axes = figure.add_subplot()
        low, high = np.nan_to_num(np.stack([mean - lower, upper - mean]))
        axes.fill_between(
            curve.temperatures,
            mean - low,
            mean + high,
            color=STUDENT_LINE["color"],
            alpha=0.2,
            linewidth=0,
        )
        axes.plot(curve.temperatures, mean, label="ds(T)", **STUDENT_LINE)
        for model, line in (("teacher", TEACHER_LINE), ("nds", NDS_LINE)):
            if model in curve.references:
                value = scale * curve.references[model]
                axes.axhline(value, label=model, lw=2, **line)
            if model in curve.published_references:
                value = scale * curve.published_references[model]
                label = f"{model}, published"
                axes.axhline(value, label=label, lw=1, alpha=0.6, **line)
        if curve.chance:
            chance = [scale * value for value in curve.chance]
            axes.plot(curve.temperatures, chance, label="chance", **CHANCE_LINE)
        if curve.published:
            axes.plot(
                list(curve.published),
                [scale * value for value in curve.published.values()],
                label="published",
                **PUBLISHED_LINE,
            )
        temperature_axis(axes, sorted({*curve.temperatures, *curve.published}))
        axes.set_ylabel(ylabel)
        axes.grid(axis="y")
        figure.legend(
            loc="outside lower center",
            ncols=4,
            fontsize=9,
            columnspacing=0.8,
            handlelength=1.8,
        )
        if axes.get_ylim()[0] > 0:
            caption += " The vertical axis does not begin at 0."
        return save(figure, name, caption)


def temperature_axis(axes: Axes, temperatures: Sequence[float]) -> None:
    """A logarithmic axis that names as many of the temperatures as fit."""
    axes.set_xscale("log")
    axes.set_xlabel("temperature T (logarithmic)")
    step = 0.06 * np.log(temperatures[-1] / temperatures[0])
    named: list[float] = []
    for temperature in temperatures:
        if not named or np.log(temperature / named[-1]) >= step:
            named.append(temperature)
    axes.set_xticks(named, labels=[f"{temperature:g}" for temperature in named])
    axes.set_xticks([], minor=True)


def matrix_figure(
    values: np.ndarray,
    *,
    name: str,
    title: str,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    limit: float,
    signed: bool = False,
    caption: str,
) -> Drawing:
    """A heat map with the value in each cell while cells are few.

    Args:
      values: `[rows, columns]`; NaN cells stay empty.
      rows: axis label and tick labels.
      columns: axis label and tick labels.
      limit: value at the end of the colour scale, so that figures can share it.
      signed: colours run from -limit to limit instead of 0 to limit.
    """
    with style(name):
        size = 1.6 + 0.34 * np.clip([values.shape[1], values.shape[0]], 6, 12)
        figure = Figure(figsize=(size[0] + 0.7, size[1]))
        axes = figure.add_subplot()
        image = axes.imshow(
            values,
            # Both are ordered by lightness from the middle out, as in grey print.
            cmap="PuOr" if signed else "Blues",
            vmin=-limit if signed else 0,
            vmax=limit or 1,
            aspect="auto",
        )
        if max(values.shape) <= MOST_NUMBERED:
            _number_cells(axes, image, values, "{:+.0f}" if signed else "{:.0f}")
        elif signed:
            _mark_losses(axes, values, limit)
        _name_ticks(axes.xaxis, columns, rotation=90)
        _name_ticks(axes.yaxis, rows, rotation=0)
        axes.set_title(title)
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes).outline.set_visible(False)
        # Cells that are smaller than a pixel make large files, which show no more.
        fine = max(values.shape) > _MOST_SHARP
        return save(figure, name, caption, image_dpi=60 if fine else 100)


def _number_cells(
    axes: Axes, image: AxesImage, values: np.ndarray, template: str
) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(
            column, row, template.format(value), fontsize=8,
            ha="center", va="center", color="#ffffff" if dark else "#000000",
        )  # fmt: skip


def _mark_losses(axes: Axes, values: np.ndarray, limit: float) -> None:
    """A dash where the value is clearly below 0: grey print has no other sign."""
    rows, columns = np.nonzero(np.nan_to_num(values) < -limit / 10)
    dark = values[rows, columns] < -0.6 * limit
    ink = np.where(dark, "#ffffff", "#000000")
    axes.scatter(columns, rows, marker="_", s=12, linewidths=0.7, c=ink)


def _name_ticks(axis: Axis, labelled: tuple[str, Sequence[str]], rotation: int) -> None:
    label, names = labelled
    axis.set_label_text(label)
    if len(names) <= 2 * MOST_NUMBERED:
        short = [shorten(name) for name in names]
        axis.set_ticks(range(len(names)), labels=short, rotation=rotation)
    axis.set_tick_params(length=0, labelsize=9)


def shorten(name: str, most: int = _LONGEST_NAME) -> str:
    """A name of at most so many letters, which fits beside an axis."""
    return name if len(name) <= most else name[: most - 2] + ".."


def tradeoff_figure(
    points: Sequence[tuple[str, float, float]],
    *,
    front: Sequence[int],
    chosen: int | None,
    name: str,
    xlabel: str,
    ylabel: str,
    caption: str,
    intervals: Sequence[tuple[float, float]] = (),
) -> Drawing:
    """Models by error and gap; the front is joined, the chosen one is ringed.

    Args:
      points: title, x and y of each model.
      front: indices of the points that no other is better than, by rising x.
      chosen: index of the chosen point.
      intervals: half widths of the intervals of x and y, for each point; NaN for none.
    """
    with style(name):
        figure = Figure(figsize=(4.8, 3.6))
        axes = figure.add_subplot()
        for index, (title, x, y) in enumerate(points):
            line = {"teacher": TEACHER_LINE, "nds": NDS_LINE}.get(title, STUDENT_LINE)
            marker = {"teacher": "^", "nds": "D"}.get(title, "o")
            filled = line["color"] if index in front else "none"
            axes.plot(x, y, marker=marker, color=line["color"], mfc=filled, ms=7)
            # Names of neighbouring temperatures would cover each other.
            if len(points) <= 8 or index in front or line is not STUDENT_LINE:
                place = (6, 5) if line is STUDENT_LINE else (6, -12)
                axes.annotate(
                    title, (x, y), xytext=place, textcoords="offset points", fontsize=9
                )
        for (_, x, y), (dx, dy) in zip(points, intervals, strict=False):
            if np.isfinite([dx, dy]).all():
                axes.errorbar(x, y, dy, dx, fmt="none", ecolor=INK, lw=0.8, alpha=0.5)
        joined = [points[index][1:] for index in front]
        axes.plot(*zip(*joined, strict=True), color=INK, lw=1, alpha=0.6, zorder=0)
        if chosen is not None:
            axes.plot(*points[chosen][1:], "o", ms=15, mfc="none", mec=INK)
        axes.margins(0.15)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid()
        return save(figure, name, caption)
