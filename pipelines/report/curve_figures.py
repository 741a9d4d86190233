"""Figures of accuracy, DPD, EOD and I(f) against the temperature."""

from collections.abc import Iterable

from pipelines.analysis.curves import Curve
from pipelines.analysis.measures import Measure
from pipelines.report.drawing import Drawing, file_name
from pipelines.report.figures import curve_figure


def measure_figure(measure: Measure, curve: Curve) -> Drawing:
    """Accuracy, or a gap of an attribute."""
    title = measure.title
    caption = (
        f"{title[:1].upper()}{title[1:]}: mean over the seeds. The shade is a "
        "joint 95 % band: it covers the whole curve, for other test examples."
    )
    if measure.attribute:
        caption += " Grey dots: random groups of the same sizes."
    if curve.published:
        caption += " Squares: published, of the same data set and models."
    return curve_figure(
        curve,
        scale=100,
        name=file_name(measure.metric, measure.by),
        ylabel=f"{title}, %",
        caption=caption,
    )


def measure_figures(curves: Iterable[tuple[Measure, Curve]]) -> list[Drawing]:
    return [measure_figure(measure, curve) for measure, curve in curves]


def individual_figure(curve: Curve) -> Drawing:
    """Individual fairness."""
    caption = (
        "Individual fairness I(f), mean over the seeds; lower is fairer. The shade is "
        "the 95 % interval of each T over the seeds."
    )
    return curve_figure(
        curve,
        name="individual_fairness",
        ylabel="individual fairness I(f)",
        caption=caption,
    )
