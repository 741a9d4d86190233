"""Methods that mend while training, against plain distillation and post-processing."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kd_keras.fairness import GroupCounts
from kd_keras.fairness.gaps import gap
from kd_keras.mitigation import GroupThresholds
from pipelines.analysis.results import Model, Result, Study
from pipelines.analysis.seed_interval import seed_interval
from pipelines.studies.layout import PLAIN

GAP = "equalized_odds_difference"
AS_WELL = "post-processing alone does as well"
BETTER = "better than post-processing alone"
UNDECIDED = "undecided against post-processing"
REFUSED = "post-processing cannot hold this gap"
# Accuracy that post-processing may cost and still do as well.
TOLERANCE = 0.01
MEASURES = ("accuracy", "gap", "worst")


class Measured(NamedTuple):
    """What one seed's student shows, each in [0, 1]: accuracy, gap, worst group's."""

    accuracy: float
    gap: float
    worst: float


class Seeds(NamedTuple):
    """Mean over the seeds and Student's 95 % interval; NaN ends of a single seed."""

    mean: float
    lower: float
    upper: float


@dataclasses.dataclass(frozen=True)
class Compared:
    """One student of a study, by one attribute.

    Attributes:
      attribute: the attribute; empty for the classes, of which there is no gap.
      model: the student.
      seeds: number of its seeds.
      own: measure -> value over the seeds.
      change: measure -> change from the plain student of the same temperature, over
        the seeds of both; empty for that one.
      front: whether no other student is better in accuracy and in the gap, both.
      against: what post-processing of the plain student comes to, or empty where that
        is not known.
      processed: the plain student with thresholds that reach the gap which this one
        has on validation data, on average over the seeds.
    """

    attribute: str
    model: Model
    seeds: int
    own: Mapping[str, Seeds]
    change: Mapping[str, Seeds]
    front: bool = False
    against: str = ""
    processed: Mapping[str, Seeds] = dataclasses.field(default_factory=dict)


def compare(study: Study) -> list[Compared]:
    """Every student by every attribute; nothing where a study has one method alone."""
    if len(study.methods) < 2:
        return []
    found = []
    for attribute in study.spec.groups or [""]:
        rows = [_compared(study, attribute, model) for model in study.students]
        found += [
            dataclasses.replace(row, front=_is_on_front(row, rows)) for row in rows
        ]
    return found


def _compared(study: Study, attribute: str, model: Model) -> Compared:
    measured = {
        seed: measure(study, attribute, result.predicted(study.split))
        for seed, result in study.models[model].items()
    }
    own = _over_seeds(list(measured.values()))
    row = Compared(attribute, model, len(measured), own, {})
    base = Model.named(model.name, model.temperature)
    if model.method == PLAIN or base not in study.models:
        return row
    plain = study.models[base]
    changes = [
        _minus(values, measure(study, attribute, plain[seed].predicted(study.split)))
        for seed, values in measured.items()
        if seed in plain
    ]
    row = dataclasses.replace(row, change=_over_seeds(changes) if changes else {})
    return _against_processing(study, row, plain, measured)


def measure(
    study: Study, attribute: str, predicted: np.ndarray, split: str = ""
) -> Measured:
    """Accuracy, gap and worst group of hard predictions `[examples]`."""
    truth = study.truth[split or study.split]
    right = predicted == truth.labels
    if not attribute:
        recalls = [right[truth.labels == c].mean() for c in np.unique(truth.labels)]
        return Measured(float(right.mean()), np.nan, float(min(recalls)))
    counts: GroupCounts = truth.counts(study.spec, predicted)
    own, worst = (
        gap(counts, name, attribute=attribute, min_examples=study.min_examples).value
        for name in (GAP, "worst_group_accuracy")
    )
    return Measured(float(right.mean()), float(own), float(worst))


def _against_processing(
    study: Study,
    row: Compared,
    plain: Mapping[int, Result],
    measured: Mapping[int, Measured],
) -> Compared:
    """Gives the plain student thresholds with the gap that the method has."""
    if study.spec.num_classes != 2 or not row.attribute:
        return row
    if "validation" not in study.truth:
        return row
    common = sorted(measured.keys() & plain.keys())
    if not common:
        return row
    validation = [
        measure(study, row.attribute, result.predicted("validation"), "validation")
        for result in (study.models[row.model][seed] for seed in common)
    ]
    allowed = float(np.mean([found.gap for found in validation]))
    if np.isnan(allowed):
        return row
    processed = {}
    for seed in common:
        decided = _thresholds(study, row.attribute, plain[seed], allowed)
        if decided is None:
            return dataclasses.replace(row, against=REFUSED)
        processed[seed] = measure(study, row.attribute, decided)
    over = _over_seeds([_minus(measured[seed], processed[seed]) for seed in common])
    return dataclasses.replace(
        row,
        against=_verdict(over),
        processed=_over_seeds(list(processed.values())),
    )


def _thresholds(
    study: Study, attribute: str, plain: Result, allowed: float
) -> np.ndarray | None:
    """Decisions on the report's split with thresholds of validation; None: refused."""
    mended = GroupThresholds(GAP, allowed, from_logits=True, margin=0.0)
    groups = {
        split: study.truth[split].named_groups(study.spec)[attribute]
        for split in ("validation", study.split)
    }
    scores = {split: _score(plain.logits[split]) for split in groups}
    labels = study.truth["validation"].labels
    try:
        mended.fit(scores["validation"], labels, groups["validation"])
    except ValueError:  # It says which examples are missing, or which gap is possible.
        return None
    return mended.predict(scores[study.split], groups[study.split])


def _score(logits: np.ndarray) -> np.ndarray:
    """Logit of class 1 against class 0, `[examples]`."""
    return logits[:, 1] - logits[:, 0]


def _verdict(over: Mapping[str, Seeds]) -> str:
    """What the method's differences from post-processing show.

    It is better where an interval shows one gain and none shows the other loss.
    Post-processing does as well where it costs no more than TOLERANCE of accuracy on
    average and no interval shows a smaller gap of the method.
    """
    accuracy, own = over["accuracy"], over["gap"]
    smaller = own.upper < 0
    if (accuracy.lower > 0 or smaller) and not (accuracy.upper < 0 or own.lower > 0):
        return BETTER
    return UNDECIDED if smaller or accuracy.mean > TOLERANCE else AS_WELL


def _minus(a: Measured, b: Measured) -> Measured:
    return Measured(*np.subtract(a, b).tolist())


def _over_seeds(values: Sequence[Measured]) -> dict[str, Seeds]:
    columns = zip(*values, strict=True)
    return {
        name: Seeds(*seed_interval(column))
        for name, column in zip(MEASURES, columns, strict=True)
    }


def cost(row: Compared) -> float:
    """What is weighed against accuracy: the gap, or the error of the worst class."""
    return row.own["gap"].mean if row.attribute else 1 - row.own["worst"].mean


def _is_on_front(row: Compared, rows: Sequence[Compared]) -> bool:
    point = (row.own["accuracy"].mean, -cost(row))
    others = [(other.own["accuracy"].mean, -cost(other)) for other in rows]
    return not any(
        other[0] >= point[0] and other[1] >= point[1] and other != point
        for other in others
    )
