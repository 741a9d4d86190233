"""Groups side by side: a row of marks per group, one mark per model."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from kd_keras.fairness.names import attribute_name
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.measures import model_of
from pipelines.analysis.results import Model, Study
from pipelines.report.drawing import Drawing, file_name, save, style
from pipelines.report.figures import NDS_LINE, STUDENT_LINE, TEACHER_LINE, shorten

# Figures of more groups would be too long to read.
MOST_GROUPS = 40
# A crossing's first part alone does not tell groups apart.
LONGEST_NAME = 30
_MARKS = {
    "teacher": ("^", TEACHER_LINE["color"]),
    "nds": ("D", NDS_LINE["color"]),
}


def group_figures(study: Study, table: DataTable, models: list[Model]) -> list[Drawing]:
    """Accuracy and ECE of every group, one figure per attribute with few groups.

    Args:
      study: the study.
      table: `calibration_table` of the study.
      models: the models that are compared.
    """
    drawings = []
    for attribute in map(attribute_name, study.attributes):
        rows = [row for row in table.rows if row["attribute"] == attribute]
        names = list(dict.fromkeys(row["group"] for row in rows))
        if len(names) > MOST_GROUPS:
            continue
        panels = {
            title: {
                model.title: [
                    100 * row[measure] for row in rows if model_of(row) == model
                ]
                for model in models
            }
            for measure, title in (("accuracy", "accuracy, %"), ("ece", "ECE, %"))
        }
        drawings.append(
            dot_figure(
                panels,
                names,
                name=file_name("groups", attribute),
                ylabel=attribute,
                caption=f"Accuracy and calibration error by {attribute}.",
            )
        )
    return drawings


def dot_figure(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    groups: Sequence[str],
    *,
    name: str,
    ylabel: str,
    caption: str,
) -> Drawing:
    """One panel per measure, beside each other; groups from top to bottom.

    Args:
      panels: axis label -> title of a model -> values `[groups]`.
      groups: their names.
      name: file name without ending.
      ylabel: the attribute.
      caption: for people.
    """
    with style(name):
        figure = Figure(figsize=(6.4, 1.5 + 0.26 * len(groups)))
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        rows = range(len(groups))
        for panel, (label, models) in zip(axes, panels.items(), strict=True):
            for title, values in models.items():
                marker, color = _MARKS.get(title, ("o", STUDENT_LINE["color"]))
                panel.plot(
                    values, rows, marker, label=title, color=color, ms=6, alpha=0.85
                )
            panel.set_xlabel(label)
            panel.grid()
        axes[0].set_yticks(
            rows, labels=[shorten(group, LONGEST_NAME) for group in groups]
        )
        axes[0].set_ylabel(ylabel)
        axes[0].invert_yaxis()
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
        return save(figure, name, caption)
