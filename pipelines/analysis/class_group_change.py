"""Which classes pay, and in which groups: change of accuracy against nds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kd_keras.fairness import PairedCounts
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.class_changes import ClassGroupChanges, class_group_changes
from kd_keras.fairness.names import attribute_name, group_name
from pipelines.analysis.data_table import COUNT, POINTS, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study

# (attribute, distilled student) -> change.
Changes = Mapping[tuple[Attribute, Model], ClassGroupChanges]


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
            for attribute in study.attributes:
                changes[attribute, model] = class_group_changes(counts, attribute)
    return changes


def class_group_table(study: Study, changes: Changes) -> DataTable:
    """One row per attribute, group, class and T."""
    rows = []
    for (attribute, model), found in changes.items():
        names = study.truth[study.split].names(study.spec, attribute)
        for i, group in enumerate(map(group_name, found.groups)):
            sizes = _sizes(study, names == group)
            for label, name in enumerate(study.spec.class_names):
                by = attribute_name(attribute)
                row: dict[str, Any] = {"attribute": by, "group": group}
                row["class"] = name
                row["examples"] = sizes[label]
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


def _sizes(study: Study, members: np.ndarray) -> np.ndarray:
    """Examples of each class, `[classes]`, of `members`, bool `[examples]`."""
    labels = study.truth[study.split].labels[members]
    return np.bincount(labels, minlength=study.spec.num_classes)
