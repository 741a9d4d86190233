"""What methods that mend while training gain, against plain distillation and offsets.

    python -m benchmarks.mitigation_training --workdir=WORK \
        --config=configs/small/trifeature_correlated.py

Trains what is missing of the study in WORK, and prints two tables over its seeds, test
split, in points: what each student has, and its change from plain distillation, seed by
seed, with Student's 95 % intervals. "worst group" is the lowest accuracy of a group of
the first attribute, "worst cell" that of a group and class, EOD the equalized odds
difference. Beside the methods is the plain student with offsets for each group and
class that have the least error on validation data, which train nothing.
--config.FIELD=VALUE changes a field of the config, as for `pipelines.study`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from absl import app, flags
from ml_collections import config_flags

from kd_keras.fairness.gaps import gap
from kd_keras.mitigation import GroupOffsets
from pipelines.analysis.individual_fairness import seed_interval
from pipelines.analysis.results import Result, Study, read_study
from pipelines.studies.layout import DS, PLAIN
from pipelines.studies.study import train_study

CONFIG = config_flags.DEFINE_config_file("config")
WORKDIR = flags.DEFINE_string("workdir", None, "Working directory of the study.")
OFFSETS = "plain, offsets"


class Measured(NamedTuple):
    """What one student shows on the test split, in points."""

    accuracy: float
    worst_group: float
    worst_cell: float
    eod: float


def measure(study: Study, predicted: np.ndarray, attribute: str) -> Measured:
    """Of hard predictions `[examples]`."""
    truth = study.truth["test"]
    counts = truth.counts(study.spec, predicted)
    own, worst = (
        gap(counts, name, attribute=attribute).value
        for name in ("equalized_odds_difference", "worst_group_accuracy")
    )
    right, groups = predicted == truth.labels, truth.groups[attribute]
    cells = [
        right[(truth.labels == label) & (groups == group)].mean()
        for label in np.unique(truth.labels)
        for group in np.unique(groups[groups >= 0])
    ]
    values = (right.mean(), worst, min(cells), own)
    return Measured(*(100 * float(value) for value in values))


def with_offsets(study: Study, result: Result, attribute: str) -> np.ndarray:
    """What a student says on the test split with the offsets of least error."""
    groups = {
        split: truth.named_groups(study.spec)[attribute]
        for split, truth in study.truth.items()
    }
    # A gap of 1 forbids nothing.
    mended = GroupOffsets("accuracy_gap", 1.0, margin=0)
    logits, labels = result.logits["validation"], study.truth["validation"].labels
    mended.fit(logits, labels, groups["validation"])
    return mended.predict(result.logits["test"], groups["test"])


def measured(study: Study) -> dict[str, dict[int, Measured]]:
    """Student -> seed -> what it shows."""
    attribute = next(iter(study.spec.groups))
    found: dict[str, dict[int, Measured]] = {}
    for model, results in study.models.items():
        several = len(study.temperatures) > 1
        name = model.title if several or model.name != DS else model.method
        for seed, result in results.items():
            own = measure(study, result.predicted("test"), attribute)
            found.setdefault(name, {})[seed] = own
            if model.name == DS and model.method == PLAIN:
                moved = with_offsets(study, result, attribute)
                row = OFFSETS if not several else f"{name}, offsets"
                found.setdefault(row, {})[seed] = measure(study, moved, attribute)
    return found


def table(
    title: str, rows: Mapping[str, Mapping[int, Measured]], sign: str = ""
) -> None:
    """Mean and Student's interval over the seeds, one row per student."""
    print(f"\n| {title} | seeds | accuracy | worst group | worst cell | EOD |")
    print("|---" * (2 + len(Measured._fields)) + "|")
    for name, by_seed in rows.items():
        cells = []
        for column in zip(*by_seed.values(), strict=True):
            mean, low, high = seed_interval(list(column))
            cells.append(f"{mean:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})")
        print(f"| {name} | {len(by_seed)} | {' | '.join(cells)} |")


def changes(
    found: Mapping[str, Mapping[int, Measured]], base: Mapping[int, Measured]
) -> dict[str, dict[int, Measured]]:
    """Of every student from another one, seed by seed."""
    return {
        name: {
            seed: Measured(*np.subtract(own, base[seed]).tolist())
            for seed, own in by_seed.items()
            if seed in base
        }
        for name, by_seed in found.items()
        if by_seed is not base
    }


def main(argv: list[str]) -> None:
    del argv
    with train_study(CONFIG.value, WORKDIR.value):
        study = read_study(WORKDIR.value)
    found = measured(study)
    table("student", found)
    plain = next(name for name in found if name.endswith(PLAIN))
    table("change from plain", changes(found, found[plain]), "+")


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
