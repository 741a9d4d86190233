"""Tables with a row per group: accuracy and calibration, confusion, error transfer."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import scipy.special

from kd_keras.fairness import calibration
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.confusion import confusions
from kd_keras.fairness.encoding import Group
from kd_keras.fairness.error_transfer import error_transfer
from kd_keras.fairness.evidence import evidence
from kd_keras.fairness.names import attribute_name, group_name
from pipelines.analysis.data_table import (
    COUNT,
    DECIMAL,
    PERCENT,
    TENTHS,
    Column,
    DataTable,
)
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Result, Study

GROUP_COLUMNS = (Column("attribute", "attribute"), Column("group", "group"))


def calibration_table(study: Study) -> DataTable:
    """Accuracy, ECE, Brier score and NLL by group, mean over the seeds."""
    columns = (
        *GROUP_COLUMNS,
        *MODEL_COLUMNS,
        Column("examples", "examples", COUNT),
        Column("accuracy", "accuracy, %", PERCENT),
        Column("ece", "calibration error (ECE), %", PERCENT),
        Column("brier", "Brier score", DECIMAL),
        Column("nll", "negative log-likelihood", DECIMAL),
    )
    caption = "Accuracy and calibration by group, mean over the seeds."
    rows = _mean_rows(study, study.models, _calibration)
    return DataTable("groups", caption, columns, rows)


def _calibration(study: Study, result: Result) -> Iterator[tuple[dict, dict]]:
    labels = study.truth[study.split].labels
    logits = result.logits[study.split].astype(np.float64)
    probabilities = scipy.special.softmax(logits, axis=-1)
    counts = study.counts(result, study.split)
    for attribute in study.attributes:
        groups = study.truth[study.split].names(study.spec, attribute)
        _, by_group = calibration(labels, probabilities, groups=groups)
        for group, accuracy in counts.accuracy(attribute).by_group.items():
            found = by_group[group_name(group)]._asdict() | {"accuracy": accuracy}
            yield _about(attribute, group), found


def _about(attribute: Attribute, group: Group) -> dict[str, str]:
    return {"attribute": attribute_name(attribute), "group": group_name(group)}


def confusion_table(study: Study, models: Iterable[Model]) -> DataTable:
    """One-vs-rest confusion by group and class, with the evidence there is."""
    columns = (
        *GROUP_COLUMNS,
        Column("class", "class"),
        *MODEL_COLUMNS,
        Column("tp", "true positives", TENTHS),
        Column("fp", "false positives", TENTHS),
        Column("fn", "false negatives", TENTHS),
        Column("tn", "true negatives", TENTHS),
        Column("evidence", "evidence"),
    )
    caption = (
        "One class against the rest, by group; examples, mean over the seeds. With "
        "fewer than 10 positives or negatives the evidence is insufficient."
    )
    rows = _mean_rows(study, models, _confusion)
    return DataTable("confusion", caption, columns, rows)


def _confusion(study: Study, result: Result) -> Iterator[tuple[dict, dict]]:
    counts = study.counts(result, study.split)
    for attribute in study.attributes:
        groups, index = counts.attribute_index(attribute)
        status = {
            (found.group, found.positive_class): found.status
            for found in evidence(counts, attribute)
        }
        for block in confusions(counts, index, len(groups)):
            for i, j in np.ndindex(block.tp.shape):
                label = block.first_class + j
                yield (
                    _about(attribute, groups[i])
                    | {
                        "class": study.spec.class_names[label],
                        "evidence": status[groups[i], label],
                    },
                    {
                        name: getattr(block, name)[i, j]
                        for name in ("tp", "fp", "fn", "tn")
                    },
                )


def transfer_table(study: Study) -> DataTable:
    """Errors that a student shares with its teacher, adds, or does not repeat."""
    columns = (
        *GROUP_COLUMNS,
        *MODEL_COLUMNS,
        Column("shared", "both wrong, %", PERCENT),
        Column("introduced", "only the student wrong, %", PERCENT),
        Column("repaired", "only the teacher wrong, %", PERCENT),
    )
    caption = "Where the students' errors come from, by group; mean over the seeds."
    rows = _mean_rows(study, study.students, _transfer)
    return DataTable("transfer", caption, columns, rows)


def _transfer(study: Study, result: Result) -> Iterator[tuple[dict, dict]]:
    teachers = study.models[study.teacher] if study.teacher else {}
    if result.run.seed not in teachers:
        return
    counts = study.pair(teachers[result.run.seed], result, study.split)
    for attribute in study.attributes:
        for group, errors in error_transfer(counts, attribute).by_group.items():
            shares = errors._asdict()
            yield (
                _about(attribute, group),
                {name: shares[name] for name in ("shared", "introduced", "repaired")},
            )


def _mean_rows(
    study: Study,
    models: Iterable[Model],
    measure: Callable[[Study, Result], Iterator[tuple[dict, dict]]],
) -> list[dict[str, Any]]:
    """Means over the seeds; rows of one group stand together, model by model.

    Args:
      study: the study.
      models: the models that get rows.
      measure: (study, result) -> pairs of what a row is about and what is averaged.
    """
    rows: list[dict[str, Any]] = []
    for model in models:
        collected: dict[tuple, list[dict]] = {}
        for result in study.models[model].values():
            for about, measured in measure(study, result):
                collected.setdefault(tuple(about.items()), []).append(measured)
        for described, found in collected.items():
            means = {name: np.mean([m[name] for m in found]) for name in found[0]}
            rows.append(dict(described) | model_cells(model) | means)
    place = {name: i for i, name in enumerate(study.spec.class_names)}
    return sorted(
        rows,
        key=lambda row: (
            row["attribute"],
            row["group"],
            place.get(row.get("class", ""), 0),
        ),
    )
