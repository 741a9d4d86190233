"""Bootstrap intervals of gaps, and tests of changes of gaps between two models."""

import dataclasses
from typing import Unpack

import numpy as np

from kd_keras.fairness.bootstrap import BootstrapOptions, bootstrap_interval
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.gaps import Aggregation, Method, gap, gap_values
from kd_keras.fairness.intervals import Interval, within
from kd_keras.fairness.prediction_counts import PredictionCounts, PredictionPairCounts
from kd_keras.table import fields_html


@dataclasses.dataclass(frozen=True)
class Change:
    """Change of a gap from model a to model b on the same examples.

    Attributes:
      name: name of the gap.
      a: gap of model a.
      b: gap of model b.
      interval: b - a with its bootstrap interval.
      p_value: two-sided, of the hypothesis that the gaps are equal; NaN where the
        change is undefined.
    """

    name: str
    a: float
    b: float
    interval: Interval
    p_value: float

    _repr_html_ = fields_html


def gap_interval(
    counts: PredictionCounts,
    name: str,
    attribute: Attribute | None = None,
    *,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = 1,
    **options: Unpack[BootstrapOptions],
) -> Interval:
    """Bootstrap interval of a gap.

    Args:
      counts: counts of one model.
      name: name of the gap's function, like "equalized_odds_difference".
      attribute, method, agg, min_examples: as in that function. `min_examples` is
        asked of the counts, not of each replicate.
      **options: see BootstrapOptions.
    """

    def statistic(replicates: PredictionCounts) -> np.ndarray:
        return gap_values(
            replicates,
            name,
            attribute=attribute,
            method=method,
            agg=agg,
            min_examples=min_examples,
            observed=counts,
        )

    interval, _ = bootstrap_interval(counts, statistic, **options)
    interval = within(interval, *GAPS[name].domain)
    if not np.isnan(interval.value):
        return interval
    reason = gap(
        counts,
        name,
        attribute=attribute,
        method=method,
        agg=agg,
        min_examples=min_examples,
    ).reason
    return dataclasses.replace(interval, reason=reason)


def gap_change(
    counts: PredictionPairCounts,
    name: str,
    attribute: Attribute | None = None,
    *,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = 1,
    **options: Unpack[BootstrapOptions],
) -> Change:
    """Tests whether a gap differs between two models.

    Every replicate draws the same examples for both models. The p-value inverts the
    percentile interval: twice the smaller share of replicates on one side of zero,
    with one added to both counts (Davison & Hinkley 1997, section 4.4).

    Args:
      counts: counts of models a and b on the same examples.
      name, attribute, method, agg, min_examples, **options: as in `gap_interval`.
    """

    def value(model: PredictionCounts, observed: PredictionCounts) -> np.ndarray:
        return gap_values(
            model,
            name,
            attribute=attribute,
            method=method,
            agg=agg,
            min_examples=min_examples,
            observed=observed,
        )

    a, b = counts.a, counts.b

    def statistic(replicates: PredictionPairCounts) -> np.ndarray:
        return value(replicates.b, b) - value(replicates.a, a)

    interval, changes = bootstrap_interval(counts, statistic, **options)
    lowest, highest = GAPS[name].domain
    interval = within(interval, lowest - highest, highest - lowest)
    return Change(
        name, float(value(a, a)), float(value(b, b)), interval, _p_value(changes)
    )


def _p_value(changes: np.ndarray) -> float:
    defined = changes[np.isfinite(changes)]
    if not len(defined):
        return np.nan
    fewer = min((defined <= 0).sum(), (defined >= 0).sum())
    return min(1.0, float(2 * (fewer + 1) / (len(defined) + 1)))
