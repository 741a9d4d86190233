"""Heat maps: change by class and group, and where student and teacher disagree."""

import numpy as np

from kd_keras.fairness.names import attribute_name, group_name
from pipelines.analysis.class_group_change import Changes
from pipelines.analysis.results import Model, Study
from pipelines.report.drawing import Drawing, file_name
from pipelines.report.figures import MOST_NUMBERED, matrix_figure


def class_group_figures(study: Study, changes: Changes, model: Model) -> list[Drawing]:
    """One heat map per attribute for one distilled student."""
    drawings = []
    for attribute in study.attributes:
        if (attribute, model) not in changes:
            continue
        found = changes[attribute, model]
        by = attribute_name(attribute)
        points = 100 * found.change.T
        marks = ""
        if max(points.shape) > MOST_NUMBERED:
            marks = " A dash marks a clear loss."
        drawings.append(
            matrix_figure(
                points,
                name=file_name("class_group_change", by),
                title=f"{model.title} against nds, by {by}",
                rows=("class", study.spec.class_names),
                columns=(by, list(map(group_name, found.groups))),
                limit=np.nanmax(abs(points), initial=1.0),
                signed=True,
                caption=(
                    f"Change of accuracy in points from nds to {model.title}, by class "
                    f"and {by}. Above 0 the distilled student is better.{marks}"
                ),
            )
        )
    return drawings


def disagreement_figures(
    study: Study, matrices: dict[Model, np.ndarray]
) -> list[Drawing]:
    """One matrix per student, all on the same colour scale."""
    names = study.spec.class_names
    limit = max((matrix.max() for matrix in matrices.values()), default=1.0)
    drawings = []
    for model, matrix in matrices.items():
        off_diagonal = matrix.astype(float)
        np.fill_diagonal(off_diagonal, np.nan)
        drawings.append(
            matrix_figure(
                off_diagonal,
                name=f"disagreement_{model.slug}",
                title=f"teacher against {model.title}",
                rows=("teacher says", names),
                columns=("student says", names),
                limit=limit,
                caption=(
                    f"Teacher against {model.title}: {matrix.sum():.1f} examples "
                    "differ (mean over the seeds). Same colour scale for all students."
                ),
            )
        )
    return drawings
