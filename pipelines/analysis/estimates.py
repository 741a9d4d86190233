"""Estimates of one result, or of its change from another one, with intervals."""

import dataclasses

import numpy as np
import scipy.stats

from kd_keras.fairness import Interval, gaps, wilson
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_intervals import MIN_EXAMPLES, IntervalOptions
from kd_keras.fairness.intervals import around, within
from kd_keras.fairness.names import parts
from kd_keras.fairness.proportions import paired_deviations
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

    Wilson's interval, and that of paired proportions: see `paired_deviations`.

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
    if not right.size:
        return Interval(np.nan, np.nan, np.nan, options["level"])
    before = (base.predicted(study.split) == labels)[members]
    gained, lost = int((right & ~before).sum()), int((before & ~right).sum())
    z = float(scipy.stats.norm.isf((1 - options["level"]) / 2))
    # Not drawn: of ten people on whom both are right every draw says that nothing
    # changes.
    return paired_change(gained, lost, right.size, z, options["level"])


def paired_change(
    gained: int, lost: int, examples: int, z: float, level: float
) -> Interval:
    """The change of a share of the same examples, in [-1, 1]: `paired_deviations`.

    Args:
      gained, lost: examples that only the second model has, and only the first.
      examples: how many there are, at least one.
      z: standard errors to either side.
      level: that the interval is said to have.
    """
    more, less, trials = map(np.asarray, (gained / examples, lost / examples, examples))
    below, above = map(float, paired_deviations(more, less, trials, z))
    value = float(more - less)
    return within(Interval(value, value - below, value + above, level), -1, 1)


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
