"""Figures of accuracy, DPD, EOD and I(f) against the temperature."""

from collections.abc import Iterable, Mapping

from pipelines.analysis import calibration_course
from pipelines.analysis.class_course import COUNTS
from pipelines.analysis.curves import Curve
from pipelines.analysis.data_table import PERCENT
from pipelines.analysis.measures import Measure
from pipelines.analysis.results import Study
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


def count_figures(curves: Mapping[str, Curve]) -> list[Drawing]:
    """#SC and #TC."""
    return [
        curve_figure(
            curve,
            name=f"class_count_{name}",
            ylabel=f"#{name.upper()}, classes that differ from {COUNTS[name]}",
            caption=(
                f"#{name.upper()}: classes whose relative accuracy differs from that "
                f"of {COUNTS[name]}, mean over fives of the seeds."
                + (" Squares: published." if curve.published else "")
            ),
        )
        for name, curve in curves.items()
    ]


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


def calibration_figures(
    study: Study, measured: calibration_course.Measured
) -> list[Drawing]:
    """ECE and NLL as trained, and the same when scaled."""
    found = []
    for metric in ("ece", "nll"):
        title, kind = calibration_course.METRICS[metric]
        for state, words in (("raw", "as trained"), ("scaled", "scaled")):
            curve = calibration_course.curve(study, measured, metric, state)
            caption = (
                f"{title[:1].upper()}{title[1:]} {words}, mean over the seeds; lower "
                "is better. The shade is the 95 % interval of each T over the seeds."
            )
            drawing = curve_figure(
                curve,
                scale=100 if kind is PERCENT else 1,
                name=f"calibration_{metric}_{state}",
                ylabel=f"{title}, {words}" + (", %" if kind is PERCENT else ""),
                caption=caption,
            )
            found.append(drawing)
    return found
