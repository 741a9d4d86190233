"""Which classes pay, and in which groups: change of accuracy against nds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kd_keras.fairness import PairedCounts
from kd_keras.fairness.class_changes import ClassGroupChanges, class_group_changes
from pipelines.analysis.data_table import COUNT, POINTS, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study

# (attribute, distilled student) -> change.
Changes = Mapping[tuple[str, Model], ClassGroupChanges]


def changes_from_nds(study: Study) -> Changes:
    """(attribute, ds) -> change of accuracy against nds, over all common seeds."""
    if study.nds is None:
        return {}
    changes = {}
    for model in study.distilled:
        pairs = [
            study.pair(nds, ds, study.split)
            for nds, ds in study.pairs(study.nds, model)
        ]
        if pairs:
            counts = PairedCounts.merge(pairs)
            for attribute in study.spec.groups:
                changes[attribute, model] = class_group_changes(counts, attribute)
    return changes


def class_group_table(study: Study, changes: Changes) -> DataTable:
    """One row per attribute, group, class and T."""
    rows = []
    for (attribute, model), found in changes.items():
        sizes, order = _sizes(study, attribute), list(study.spec.groups[attribute])
        for i, group in enumerate(found.groups):
            for label, name in enumerate(study.spec.class_names):
                row: dict[str, Any] = {"attribute": attribute, "group": group}
                row["class"] = name
                row["examples"] = sizes[order.index(str(group)), label]
                row["change"] = float(found.change[i, label])
                rows.append(row | model_cells(model))
    columns = (
        Column("attribute", "attribute"),
        Column("group", "group"),
        Column("class", "class"),
        *MODEL_COLUMNS,
        Column("examples", "examples", COUNT),
        Column("change", "accuracy against nds, points", POINTS),
    )
    caption = "Change of accuracy by class and group, over all seeds."
    return DataTable("class_group_change", caption, columns, rows)


def _sizes(study: Study, attribute: str) -> np.ndarray:
    """Examples by group and class, `[groups, classes]`."""
    truth = study.truth[study.split]
    known = truth.groups[attribute] >= 0
    sizes = np.zeros((len(study.spec.groups[attribute]), study.spec.num_classes))
    np.add.at(sizes, (truth.groups[attribute][known], truth.labels[known]), 1)
    return sizes
