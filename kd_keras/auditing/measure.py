"""Values and changes of the audited models, with intervals."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_keras.auditing.counting import SeedCounts, Tally
from kd_keras.auditing.seeds import OverSeeds, over_seeds
from kd_keras.fairness import (
    GAPS,
    GroupCounts,
    Interval,
    PairedCounts,
    bootstrap_interval,
    gap_values,
)
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_intervals import IntervalOptions
from kd_keras.fairness.names import parts
from kd_keras.fairness.prediction_counts import PredictionCounts
from kd_keras.fairness.rates import divide

# (model, "accuracy" or name of a gap, attribute, a tuple of crossed ones, or "" for
# all examples)
Key = tuple[str, str, Attribute]


class Measured(NamedTuple):
    """What `measure` returns; see the attributes of `Audit`."""

    values: dict[Key, Interval]
    changes: dict[Key, Interval]
    sds: dict[Key, float]


class Measure:
    """Measures the runs of a tally.

    Args:
      tally: the counts.
      attributes: attributes and crossings.
      gaps: names of gaps.
      min_examples: below which a rate is left out of a gap.
      options: of the intervals.
    """

    def __init__(
        self,
        tally: Tally,
        attributes: Sequence[Attribute],
        gaps: Sequence[str],
        min_examples: int,
        options: IntervalOptions,
    ):
        self.tally = tally
        self.questions: list[tuple[str, Attribute]] = [
            ("accuracy", ""),
            *((gap, attribute) for attribute in attributes for gap in gaps),
        ]
        self.min_examples = min_examples
        self.options = options

    def run(
        self,
        counts: dict[str, GroupCounts],
        pairs: dict[str, PairedCounts],
        seeds: dict[str, SeedCounts],
    ) -> Measured:
        """Every question to every model."""
        values: dict[Key, Interval] = {}
        changes: dict[Key, Interval] = {}
        sds: dict[Key, float] = {}
        for model, runs in self.tally.models.items():
            for metric, attribute in self.questions:
                key = (model, metric, attribute)
                if model in seeds:
                    found = self._over_seeds(seeds[model], runs, metric, attribute)
                    reason = self._reason(counts[runs[0]], found, metric, attribute)
                    values[key], sds[key] = reason, found.sd
                    if runs[0] in self.tally.partners:
                        changes[key] = self._over_seeds(
                            seeds[model], runs, metric, attribute, change=True
                        ).interval
                    continue
                values[key] = self._value(counts[runs[0]], metric, attribute)
                if runs[0] in self.tally.partners:
                    changes[key] = self._change(pairs[runs[0]], metric, attribute)
        return Measured(values, changes, sds)

    def _value(
        self, counts: GroupCounts, metric: str, attribute: Attribute
    ) -> Interval:
        if metric == "accuracy":
            return counts.accuracy(()).intervals(self.options["level"])[()]
        return counts.only(*parts(attribute)).gap_interval(
            metric, attribute, min_examples=self.min_examples, **self.options
        )

    def _change(
        self, pair: PairedCounts, metric: str, attribute: Attribute
    ) -> Interval:
        if metric == "accuracy":
            options: Any = {**self.options, "kind": "centred"}
            return bootstrap_interval(pair.only(), _accuracy_change, **options)[0]
        return (
            pair.only(*parts(attribute))
            .gap_change(
                metric, attribute, min_examples=self.min_examples, **self.options
            )
            .interval
        )

    def _over_seeds(
        self,
        counts: SeedCounts,
        runs: Sequence[str],
        metric: str,
        attribute: Attribute,
        change: bool = False,
    ) -> OverSeeds:
        counts = counts.only(*parts(attribute))
        partners = self.tally.partners

        def statistic(replicates: SeedCounts) -> np.ndarray:
            def value(run: str) -> np.ndarray:
                of_run, observed = replicates.run(run), counts.run(run)
                if metric == "accuracy":
                    return _accuracy(of_run)
                return gap_values(
                    of_run,
                    metric,
                    attribute=attribute,
                    min_examples=self.min_examples,
                    observed=observed,
                )

            used = [*runs, *(partners[run] for run in runs if change)]
            found = {run: value(run) for run in dict.fromkeys(used)}
            return np.stack(
                [found[run] - (found[partners[run]] if change else 0) for run in runs]
            )

        low, high = GAPS[metric].domain if metric in GAPS else (0.0, 1.0)
        domain = (low - high, high - low) if change else (low, high)
        return over_seeds(counts, statistic, domain, self.options)

    def _reason(
        self,
        counts: GroupCounts,
        found: OverSeeds,
        metric: str,
        attribute: Attribute,
    ) -> Interval:
        """With the reason of the first seed where the mean is undefined."""
        if not np.isnan(found.interval.value):
            return found.interval
        reason = self._value(counts, metric, attribute).reason
        return dataclasses.replace(
            found.interval, reason=reason or "undefined for one of the seeds"
        )


def _accuracy(counts: PredictionCounts) -> np.ndarray:
    right = counts.mass[..., counts.label == counts.prediction].sum(axis=-1)
    return divide(right, counts.mass.sum(axis=-1))


def _accuracy_change(pairs: PairedCounts) -> np.ndarray:
    right_a = pairs.prediction_a == pairs.label
    right_b = pairs.prediction_b == pairs.label
    gained = right_b.astype(float) - right_a
    return divide((pairs.mass * gained).sum(axis=-1), pairs.mass.sum(axis=-1))
