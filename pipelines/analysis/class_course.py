"""Accuracy and class bias by temperature: the published study's main table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.analysis.bands import Band
from pipelines.analysis.curves import Curve
from pipelines.analysis.data_table import PERCENT, TENTHS, Column, DataTable, is_empty
from pipelines.analysis.findings_tests import seed_test
from pipelines.analysis.findings_trends import alignment, fives, rarefied_counts
from pipelines.analysis.measures import (
    ACCURACY,
    MODEL_COLUMNS,
    Measure,
    model_cells,
    model_of,
)
from pipelines.analysis.published import NOTHING, Published
from pipelines.analysis.results import Model, Study

# Count -> what is compared with the distilled student.
COUNTS = {"sc": "nds", "tc": "teacher"}


def class_course_table(study: Study, published: Published = NOTHING) -> DataTable:
    """Top-1 accuracy, #SC, #TC and alignment of every model, in one row each."""
    accuracies = {m: _accuracies(study, m) for m in study.models}
    top1 = published.measures.get(Measure(ACCURACY, ""), {})
    rows = []
    for model, by_seed in accuracies.items():
        overall = seed_test(np.array([overall for _, overall in by_seed.values()]))
        row: dict[str, Any] = model_cells(model) | {
            "seeds": len(by_seed),
            "top1_mean": float(overall.mean),
            "top1_sd": float(overall.sd),
        }
        if model in top1:
            row["top1_published"] = top1[model].mean
        if model.temperature is not None:
            row |= _counts(study, accuracies, model)
            counts = published.class_bias.get(model, ())
            row |= dict(zip(("sc_published", "tc_published"), counts, strict=False))
        rows.append(row)
    columns = (
        *MODEL_COLUMNS,
        Column("top1_mean", "top-1, %", PERCENT),
        Column("top1_sd", "sd", PERCENT),
        Column("top1_published", "published", PERCENT, optional=True),
        Column("sc", "#SC", TENTHS),
        Column("sc_published", "published", TENTHS, optional=True),
        Column("tc", "#TC", TENTHS),
        Column("tc_published", "published", TENTHS, optional=True),
        Column("alignment", "on the way from nds to teacher, %", PERCENT),
        Column("alignment_lower", "from", PERCENT),
        Column("alignment_upper", "to", PERCENT),
    )
    caption = (
        f"Accuracy and class bias by temperature, {study.spec.num_classes} classes. "
        "#SC counts classes that differ from nds, #TC those that differ from the "
        "teacher, mean over fives of the seeds; intervals of the way are Student's "
        "over the seeds."
    )
    return DataTable("class_course", caption, columns, rows)


# Seed -> accuracy by class `[classes]`, and overall.
_BySeed = Mapping[int, tuple[np.ndarray, float]]


def _accuracies(study: Study, model: Model) -> _BySeed:
    labels = study.truth[study.split].labels
    return {
        seed: (
            study.counts(result, study.split).class_accuracy(),
            float(np.mean(result.predicted(study.split) == labels)),
        )
        for seed, result in study.models[model].items()
    }


def _counts(
    study: Study, accuracies: Mapping[Model, _BySeed], model: Model
) -> dict[str, float]:
    """#SC, #TC and alignment; none with fewer than two common seeds."""
    bases = {"sc": study.nds, "tc": study.teacher}
    there = {name: base for name, base in bases.items() if base is not None}
    seeds = [
        seed
        for seed in accuracies[model]
        if all(seed in accuracies[base] for base in there.values())
    ]
    if len(seeds) < 2:
        return {}

    def classes(of: Model, relative: bool) -> np.ndarray:
        found = [accuracies[of][seed] for seed in seeds]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.array([c / overall if relative else c for c, overall in found])

    student, chosen = classes(model, True), fives(len(seeds))
    row = {
        name: float(rarefied_counts(classes(base, True), student, chosen))
        for name, base in there.items()
    }
    if len(there) == len(bases):
        along = seed_test(
            alignment(
                classes(model, False),
                classes(there["sc"], False),
                classes(there["tc"], False),
            )
        )
        row["alignment"] = float(along.mean)
        row["alignment_lower"], row["alignment_upper"] = map(float, along[2:4])
    return row


def count_curves(study: Study, table: DataTable) -> dict[str, Curve]:
    """#SC and #TC of `class_course_table` against T; what was counted nowhere is not.

    Returns:
      "sc" or "tc" -> curve without intervals, as counts of all seeds have none.
    """
    rows = {model_of(row): row for row in table.rows}
    found = {}
    for name in COUNTS:
        counts = [rows[model].get(name) for model in study.curve]
        if not counts or any(is_empty(count) for count in counts):
            continue
        nothing = np.full(len(counts), np.nan)
        published = {
            model.temperature: row[f"{name}_published"]
            for model, row in rows.items()
            if model.temperature is not None and f"{name}_published" in row
        }
        found[name] = Curve(
            temperatures=study.temperatures,
            band=Band(np.array(counts, float), nothing, nothing),
            references={},
            published=published,
        )
    return found
