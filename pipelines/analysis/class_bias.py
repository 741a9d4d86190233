"""Classes whose accuracy differs over the seeds: the published study's #SC and #TC."""

import numpy as np

from kd_keras.fairness import class_bias
from pipelines.analysis.data_table import COUNT, DECIMAL, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.published import NOTHING, Published
from pipelines.analysis.results import Model, Study


def class_bias_table(study: Study, published: Published = NOTHING) -> DataTable:
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
    return DataTable("class_bias", caption, columns, rows)


def _accuracies(study: Study, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy by class `[seeds, classes]` and overall `[seeds]`."""
    labels = study.truth[study.split].labels
    results = study.models[model].values()
    by_class = [study.counts(r, study.split).class_accuracy() for r in results]
    overall = [np.mean(r.predicted(study.split) == labels) for r in results]
    return np.stack(by_class), np.array(overall)
