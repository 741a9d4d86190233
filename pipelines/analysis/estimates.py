"""Estimates of one result, or of its change from another one, with intervals."""

import dataclasses

import numpy as np

from kd_keras.fairness import (
    Interval,
    PairedCounts,
    bootstrap_values,
    gaps,
    wilson,
)
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_intervals import MIN_EXAMPLES, IntervalOptions
from kd_keras.fairness.intervals import around, within
from kd_keras.fairness.names import parts
from pipelines.analysis.calibrated import calibration_values
from pipelines.analysis.results import Result, Study


def gap(
    study: Study,
    name: str,
    attribute: Attribute,
    result: Result,
    base: Result | None,
    options: IntervalOptions,
    min_examples: int = MIN_EXAMPLES,
    split: str = "",
) -> Interval:
    """A gap of `result`, or its change from `base`.

    Args:
      study: labels and groups.
      name: a key of `kd_keras.fairness.GAPS`.
      attribute: sensitive attribute, or a tuple of them to cross.
      result: the model that is measured.
      base: the model whose gap is subtracted, on the same examples; None for none.
      options: see `pipelines.studies.interval_options`.
      min_examples: what every denominator needs, asked of the counts and not of each
        replicate.
      split: of the examples; empty for the evaluation split.
    """
    split = split or study.split
    counts = study.counts(result, split).only(*parts(attribute))
    if base is None:
        return counts.gap_interval(
            name, attribute, min_examples=min_examples, **options
        )
    pair = study.pair(base, result, split).only(*parts(attribute))
    change = pair.gap_change(name, attribute, min_examples=min_examples, **options)
    own = gaps.gap(counts, name, attribute=attribute, min_examples=min_examples)
    return dataclasses.replace(change.interval, reason=own.reason)


def accuracy(
    study: Study,
    result: Result,
    base: Result | None,
    options: IntervalOptions,
    members: np.ndarray | None = None,
) -> Interval:
    """The accuracy of `result`, or its change from `base`, in [-1, 1].

    Args:
      study, result, base, options: as in `gap`.
      members: which examples count, bool `[examples]`; None for all.
    """
    labels = study.truth[study.split].labels
    members = np.ones(len(labels), bool) if members is None else members
    right = (result.predicted(study.split) == labels)[members]
    if base is None:
        low, high = wilson(right.sum(), right.size, level=options["level"])
        value = float(right.mean()) if right.size else np.nan
        return Interval(value, float(low), float(high), options["level"])
    before = (base.predicted(study.split) == labels)[members]
    # Pairs of right (1) and wrong (0) answers of the members alone: four cells, and
    # not those of `Study.pair`, which tell all classes and groups apart.
    counts = PairedCounts.from_predictions(
        np.ones(right.size), before, right, groups={}
    )

    def change(replicates: PairedCounts) -> np.ndarray:
        gained = replicates.prediction_b - replicates.prediction_a
        return (replicates.counts * gained).sum(axis=-1) / right.size

    value = float(right.mean() - before.mean())
    values = bootstrap_values(counts, change, replicates=options["replicates"])
    return within(around(value, values, options["level"]), -1, 1)


def calibration(
    study: Study,
    metric: str,
    result: Result,
    base: Result | None,
    options: IntervalOptions,
    members: np.ndarray,
) -> Interval:
    """The ECE, Brier score or NLL of `result`, or its change from `base`."""
    labels = study.truth[study.split].labels[members]

    def values(of: Result) -> np.ndarray:
        logits = of.logits[study.split][members]
        return calibration_values(labels, logits, metric, options["replicates"])

    found = values(result) - (values(base) if base else 0)
    return around(float(found[0]), found[1:], options["level"])
