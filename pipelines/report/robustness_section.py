"""The report's section about damaged data."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipelines.analysis import robustness_tables
from pipelines.analysis.measures import ACCURACY
from pipelines.analysis.results import Model, Study
from pipelines.analysis.robustness import CLEAN, Quantity, Robustness
from pipelines.analysis.seed_interval import seed_interval
from pipelines.report.drawing import Drawing, save, style
from pipelines.report.figures import (
    NDS_LINE,
    STUDENT_LINE,
    TEACHER_LINE,
    temperature_axis,
)
from pipelines.report.html import Section

_TEXT = (
    "The evaluation split was damaged, and every model asked again. mCE is the mean "
    "corruption error: the errors of a model over those of nds with the same seed, "
    "summed over the severities of a corruption, mean over the corruptions (Hendrycks "
    "& Dietterich 2019, whose base is AlexNet). Below 100 % a model makes fewer errors "
    "than nds.",
    "Look at the accuracy first: where damage leaves a model no better than chance, it "
    "may say one class of everything, and its gaps are small for that reason alone.",
)
# (model, corruption) -> value by seed.
_Values = Callable[[Model, str], Mapping[int, float]]


def sections(study: Study, found: Robustness | str | None) -> list[Section]:
    """One section; none where no damage was asked for.

    Args:
      study: the study.
      found: what was measured, or why it was not; None where nobody asked.
    """
    if found is None:
        return []
    anchor, title = "robustness", "How much worse on damaged data?"
    if isinstance(found, str):
        return [Section(anchor, title, text=[f"It is not measured: {found}"])]
    tables = [robustness_tables.robustness_table(study, found)]
    if study.attributes:
        tables.append(robustness_tables.group_table(study, found))
    return [
        Section(
            anchor,
            title,
            text=[" ".join(robustness_tables.words(study, found)), *_TEXT],
            drawings=[_figure(study, found)] if study.curve else [],
            tables=tables,
            folded=[robustness_tables.corruption_table(study, found)],
        )
    ]


def _figure(study: Study, found: Robustness) -> Drawing:
    """Accuracy, and that of the worst group, against T: undamaged and damaged."""

    def accuracy(model: Model, corruption: str) -> Mapping[int, float]:
        return found.of(model, Quantity(ACCURACY), corruption)

    panels: list[tuple[str, _Values]] = [("all examples", accuracy)]
    if study.attributes:
        panels.append(("worst group", found.worst))
    name = "robustness"
    with style(name):
        figure = Figure(figsize=(1.6 + 3.2 * len(panels), 3.8))
        for axes, (title, values) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            _draw(axes, study, values)
            axes.set_title(title)
        figure.axes[0].set_ylabel("accuracy, %")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
        caption = (
            "Accuracy, and that of the worst group of any attribute, mean over the "
            "seeds: on undamaged data (hollow) and on damaged data (filled; mean over "
            "corruptions and severities). Horizontal lines are teacher and nds on "
            "damaged data. Shades are 95 % intervals of each T over the seeds."
        )
        return save(figure, name, caption)


def _draw(axes: Axes, study: Study, values: _Values) -> None:
    for corruption, label, fill in (
        (CLEAN, "ds(T)", "none"),
        ("", "ds(T), damaged", STUDENT_LINE["color"]),
    ):
        mean, lower, upper = _course(study.curve, values, corruption)
        axes.fill_between(
            study.temperatures,
            np.where(np.isnan(lower), mean, lower),
            np.where(np.isnan(upper), mean, upper),
            color=STUDENT_LINE["color"],
            alpha=0.2,
            linewidth=0,
        )
        axes.plot(study.temperatures, mean, label=label, mfc=fill, **STUDENT_LINE)
    for model, line in ((study.teacher, TEACHER_LINE), (study.nds, NDS_LINE)):
        if model:
            value = 100 * float(np.mean(list(values(model, "").values())))
            axes.axhline(value, label=f"{model.title}, damaged", lw=2, **line)
    temperature_axis(axes, study.temperatures)
    axes.grid(axis="y")


def _course(
    models: Sequence[Model], values: _Values, corruption: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over the seeds and its interval, in percent, `[T]` each."""
    found = [seed_interval(list(values(m, corruption).values())) for m in models]
    mean, lower, upper = np.array(found).T
    return 100 * mean, 100 * np.maximum(lower, 0), 100 * np.minimum(upper, 1)
