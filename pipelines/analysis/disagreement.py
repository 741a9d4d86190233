"""Which classes the students confuse with which of their teacher's."""

from typing import Any

import numpy as np

from kd_keras.fairness import disagreement_matrix
from pipelines.analysis.data_table import COUNT, DECIMAL, PERCENT, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study


def by_true_class(study: Study) -> DataTable:
    """How many of a class's examples a student sees otherwise, mean over the seeds."""
    labels = study.truth[study.split].labels
    sizes = np.bincount(labels, minlength=study.spec.num_classes)
    rows: list[dict[str, Any]] = []
    for model in study.students:
        differ = {
            base.name: _differ(study, base, model, labels)
            for base in (study.teacher, study.nds)
            if base is not None and base is not model
        }
        for i, name in enumerate(study.spec.class_names):
            row: dict[str, Any] = model_cells(model) | {"class": name}
            row["examples"] = int(sizes[i])
            for base, counts in differ.items():
                if counts is not None and sizes[i]:
                    row[f"from_{base}"] = counts[i] / sizes[i]
            rows.append(row)
    columns = (
        *MODEL_COLUMNS,
        Column("class", "true class"),
        Column("examples", "examples", COUNT),
        Column("from_teacher", "differ from the teacher, %", PERCENT),
        Column("from_nds", "differ from nds, %", PERCENT),
    )
    caption = (
        "Predictions that differ from those of the teacher, and of nds, of the same "
        "seed, by true class; mean over the seeds."
    )
    return DataTable("disagreement_class", caption, columns, rows)


def _differ(
    study: Study, base: Model, model: Model, labels: np.ndarray
) -> np.ndarray | None:
    """Examples `[classes]` that two see otherwise; None where they share no seed."""
    counts = [
        np.bincount(
            labels[one.predicted(study.split) != other.predicted(study.split)],
            minlength=study.spec.num_classes,
        )
        for one, other in study.pairs(base, model)
    ]
    return np.mean(counts, axis=0) if counts else None


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
