"""Which classes pay: class bias over the seeds, and change by class and group."""

import numpy as np

from kd_keras.fairness import PairedCounts, class_bias
from kd_keras.fairness.class_changes import ClassGroupChanges, class_group_changes
from pipelines.analysis.measures import (
    MODEL_COLUMNS,
    group_counts,
    model_cells,
)
from pipelines.analysis.published import NOTHING, Published
from pipelines.analysis.results import Model, Study
from pipelines.analysis.table import COUNT, DECIMAL, POINTS, Column, Table


def class_bias_table(study: Study, published: Published = NOTHING) -> Table:
    """The paper's #SC and #TC for every T, with corrected and chance counts."""
    tested = [m for m, seeds in study.models.items() if len(seeds) > 1]
    accuracies = {model: _accuracies(study, model) for model in tested}
    bases = {"sc": study.nds, "tc": study.teacher}
    rows = []
    for model in study.distilled:
        for relative in ("ratio", "difference"):
            row = model_cells(model) | {"relative": relative}
            if model in published.class_bias:
                counts = published.class_bias[model]
                row |= dict(zip(("sc_published", "tc_published"), counts, strict=True))
            for name, base in bases.items():
                if model not in accuracies or base not in accuracies:
                    continue
                by_class, overall = accuracies[model]
                base_by_class, base_overall = accuracies[base]
                bias = class_bias(
                    base_by_class,
                    by_class,
                    overall_a=base_overall,
                    overall_b=overall,
                    relative=relative,
                )
                row[name] = len(bias.significant)
                row[f"{name}_corrected"] = len(bias.significant_corrected)
                row[f"{name}_chance"] = bias.expected_by_chance
            rows.append(row)
    columns = [*MODEL_COLUMNS, Column("relative", "class accuracy to overall as")]
    for name, against in (("sc", "nds"), ("tc", "teacher")):
        columns += [
            Column(name, f"#{name.upper()}: differ from {against}", COUNT),
            Column(f"{name}_corrected", "after correction", COUNT),
            Column(f"{name}_chance", "by chance alone", DECIMAL),
        ]
        if published.class_bias:
            columns.append(Column(f"{name}_published", "published", COUNT))
    caption = (
        f"Classes of {study.spec.num_classes} whose accuracy, relative to the overall "
        "one, differs over the seeds (Welch's test, p < 0.05; corrected: "
        "Benjamini-Hochberg)."
    )
    return Table("class_bias", caption, columns, rows)


def _accuracies(study: Study, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy by class `[seeds, classes]` and overall `[seeds]`."""
    labels = study.truth[study.split].labels
    predicted = [r.predicted(study.split) for r in study.models[model].values()]
    by_class = [group_counts(study, p, study.split).class_accuracy() for p in predicted]
    return np.stack(by_class), np.array([np.mean(p == labels) for p in predicted])


def changes_from_nds(study: Study) -> dict[tuple[str, Model], ClassGroupChanges]:
    """(attribute, ds) -> change of accuracy against nds, over all common seeds."""
    if study.nds is None:
        return {}
    truth = study.truth[study.split]
    changes = {}
    for model in study.distilled:
        pairs = [
            truth.paired_counts(
                study.spec, nds.predicted(study.split), ds.predicted(study.split)
            )
            for nds, ds in study.pairs(study.nds, model)
        ]
        if pairs:
            counts = PairedCounts.merge(pairs)
            for attribute in study.spec.groups:
                changes[attribute, model] = class_group_changes(counts, attribute)
    return changes


def class_group_table(study: Study, changes) -> Table:
    """One row per attribute, group, class and T."""
    rows = []
    for (attribute, model), found in changes.items():
        sizes = _sizes(study, attribute)
        for i, group in enumerate(found.groups):
            for label, name in enumerate(study.spec.class_names):
                row = {"attribute": attribute, "group": group, "class": name}
                row["examples"] = sizes[
                    study.spec.groups[attribute].index(group), label
                ]
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
    return Table("class_group_change", caption, columns, rows)


def _sizes(study: Study, attribute: str) -> np.ndarray:
    """Examples by group and class, `[groups, classes]`."""
    truth = study.truth[study.split]
    known = truth.groups[attribute] >= 0
    sizes = np.zeros((len(study.spec.groups[attribute]), study.spec.num_classes))
    np.add.at(sizes, (truth.groups[attribute][known], truth.labels[known]), 1)
    return sizes
