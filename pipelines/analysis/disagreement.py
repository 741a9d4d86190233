"""Which classes the students confuse with which of their teacher's."""

import numpy as np

from kd_keras.fairness import disagreement_matrix
from pipelines.analysis.data_table import DECIMAL, PERCENT, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study


def disagreements(study: Study) -> dict[Model, np.ndarray]:
    """Student -> examples per (teacher class, student class), mean over the seeds.

    A student is compared with the teacher of its own seed; the diagonal is zero.
    """
    if study.teacher is None:
        return {}
    matrices = {}
    for model in study.students:
        pairs = study.pairs(study.teacher, model)
        counted = [
            disagreement_matrix(
                teacher.predicted(study.split),
                student.predicted(study.split),
                study.spec.num_classes,
            )
            for teacher, student in pairs
        ]
        if counted:
            matrices[model] = np.mean(counted, axis=0)
    return matrices


def disagreement_table(study: Study, matrices: dict[Model, np.ndarray]) -> DataTable:
    """One row per pair of classes on which a student differs from the teacher."""
    names = study.spec.class_names
    rows = [
        model_cells(model)
        | {
            "teacher_class": names[teacher],
            "student_class": names[student],
            "examples": matrix[teacher, student],
        }
        for model, matrix in matrices.items()
        for teacher, student in np.argwhere(matrix > 0)
    ]
    columns = (
        *MODEL_COLUMNS,
        Column("teacher_class", "teacher says"),
        Column("student_class", "student says"),
        Column("examples", "examples, mean over seeds", DECIMAL),
    )
    return DataTable("disagreement", "Predictions that differ.", columns, rows)


def disagreement_totals(study: Study, matrices: dict[Model, np.ndarray]) -> DataTable:
    """How many predictions differ from the teacher's."""
    examples = len(study.truth[study.split].labels)
    rows = [
        model_cells(model)
        | {"examples": matrix.sum(), "share": matrix.sum() / examples}
        for model, matrix in matrices.items()
    ]
    columns = (
        *MODEL_COLUMNS,
        Column("examples", "examples, mean over seeds", DECIMAL),
        Column("share", "of all, %", PERCENT),
    )
    caption = "Predictions of the student that differ from its teacher's."
    return DataTable("disagreement_total", caption, columns, rows)
