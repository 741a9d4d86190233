"""Intervals of gaps, and tests of changes of gaps between two models."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Literal, TypedDict, Unpack, get_args

import numpy as np

from kd_keras.fairness.bootstrap import Kind, bootstrap_interval
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_bounds import (
    interval_of_change,
    interval_of_gap,
    p_value,
    paired_proportions,
)
from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.gaps import Aggregation, Method, gap, gap_values
from kd_keras.fairness.intervals import Interval, check_level, within
from kd_keras.fairness.prediction_counts import PredictionCounts, PredictionPairCounts
from kd_keras.fairness.rates import OF_PREDICTIONS
from kd_keras.table import fields_html

# A rate of fewer than ten people can be nearly anything: 9 of 9 is .70 to 1 at level
# .95 (Wilson). Published tables hold such cells back, too.
MIN_EXAMPLES = 10


class IntervalOptions(TypedDict, total=False):
    """Options of `gap_interval` and `gap_change`.

    Attributes:
      kind: "mover" (default): bounds of the groups' differences or ratios and of the
        largest of them, without draws (see docs/fairness.md), which holds its level
        for small groups as well; or a kind of BootstrapOptions. A gap that is no such
        contrast (`method="to_overall"`, own gaps) is bootstrapped, "centred", and so is
        the change of a gap of precision, whose denominators are the models' own.
      level: nominal coverage, in (0, 1); default 0.95.
      replicates, stratify_by, seed: of the bootstrap; see BootstrapOptions.
    """

    kind: Literal["mover"] | Kind
    level: float
    replicates: int
    stratify_by: Attribute | None
    seed: int


@dataclasses.dataclass(frozen=True, repr=False)
class Change:
    """Change of a gap from model a to model b on the same examples.

    Attributes:
      name: name of the gap.
      a: gap of model a.
      b: gap of model b.
      interval: b - a with its interval.
      p_value: two-sided, of the hypothesis that the gaps are equal; NaN where the
        change is undefined. Computed when it is first read: it needs 18 intervals.
      test: computes the p-value.
    """

    name: str
    a: float
    b: float
    interval: Interval
    test: Callable[[], float] = dataclasses.field(compare=False)

    @functools.cached_property
    def p_value(self) -> float:
        return self.test()

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in _SHOWN)
        return f"Change({', '.join(shown)})"

    def _repr_html_(self) -> str:
        return fields_html(self, _SHOWN)


_SHOWN = ("name", "a", "b", "interval", "p_value")


def gap_interval(
    counts: PredictionCounts,
    name: str,
    attribute: Attribute | None = None,
    *,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = MIN_EXAMPLES,
    **options: Unpack[IntervalOptions],
) -> Interval:
    """Confidence interval of a gap.

    Args:
      counts: counts of one model.
      name: name of the gap's function, like "equalized_odds_difference".
      attribute, method, agg: as in that function.
      min_examples: examples that each denominator needs, without weights; of the
        counts, not of each replicate. It is 10 here and 1 in the function of the
        gap, which leaves no group out.
      **options: see IntervalOptions.
    """
    check_level(options.get("level", 0.95))
    found = gap(
        counts,
        name,
        attribute=attribute,
        method=method,
        agg=agg,
        min_examples=min_examples,
    )
    if not _is_bounded(name, method, options):
        interval = _bootstrapped(
            counts,
            lambda replicates: gap_values(
                replicates,
                name,
                attribute=attribute,
                method=method,
                agg=agg,
                min_examples=min_examples,
                observed=counts,
            ),
            options,
        )[0]
        interval = within(interval, *GAPS[name].domain)
        return dataclasses.replace(interval, reason=found.reason)
    level = options.get("level", 0.95)
    if np.isnan(found.value):
        return Interval(np.nan, np.nan, np.nan, level, reason=found.reason)
    ends = interval_of_gap(
        counts,
        name,
        found.by_class,
        attribute=attribute,
        agg=agg,
        min_examples=min_examples,
        alpha=1 - level,
    )
    return within(Interval(found.value, *ends, level), *GAPS[name].domain)


def gap_change(
    counts: PredictionPairCounts,
    name: str,
    attribute: Attribute | None = None,
    *,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = MIN_EXAMPLES,
    **options: Unpack[IntervalOptions],
) -> Change:
    """Tests whether a gap differs between two models.

    The p-value inverts the interval: it is the level at which the interval begins to
    leave out 0. Of a bootstrap, whose replicates draw the same examples for both
    models, it is twice the smaller share of replicates on one side of zero, with one
    added to both counts (Davison & Hinkley 1997, section 4.4).

    Args:
      counts: counts of models a and b on the same examples.
      name, attribute, method, agg, min_examples, **options: as in `gap_interval`.
    """
    check_level(options.get("level", 0.95))
    a, b = (
        gap(
            model,
            name,
            attribute=attribute,
            method=method,
            agg=agg,
            min_examples=min_examples,
        )
        for model in (counts.a, counts.b)
    )
    lowest, highest = GAPS[name].domain
    domain = (lowest - highest, highest - lowest)
    bounded = _is_bounded(name, method, options)
    if not bounded or not OF_PREDICTIONS.isdisjoint(GAPS[name].rates):

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

        interval, changes = _bootstrapped(
            counts,
            lambda draws: value(draws.b, counts.b) - value(draws.a, counts.a),
            options,
        )
        interval = within(interval, *domain)
        test = functools.partial(_p_value, changes)
        return Change(name, a.value, b.value, interval, test)
    level = options.get("level", 0.95)
    change = b.value - a.value
    if np.isnan(change):
        undefined = Interval(change, np.nan, np.nan, level, reason=b.reason or a.reason)
        return Change(
            name, a.value, b.value, undefined, functools.partial(float, "nan")
        )
    rates = paired_proportions(counts, GAPS[name], attribute, min_examples)
    ends = functools.partial(
        interval_of_change, rates, GAPS[name], agg, b.by_class - a.by_class
    )
    interval = within(Interval(change, *ends(1 - level), level), *domain)
    test = functools.partial(p_value, ends)
    return Change(name, a.value, b.value, interval, test)


def _is_bounded(name: str, method: str, options: IntervalOptions) -> bool:
    """Whether an interval needs no draws."""
    kind = options.get("kind", "mover")
    if kind not in ("mover", *get_args(Kind)):
        raise ValueError(
            f"`kind` must be one of {['mover', *get_args(Kind)]}. Received: {kind!r}."
        )
    bounded = GAPS[name].contrast is not None and method == "between_groups"
    return kind == "mover" and bounded


def _bootstrapped(counts, statistic, options: IntervalOptions):
    """Bootstrap; where bounds of contrasts were wanted and there are none, centred."""
    kind = options.get("kind", "mover")
    return bootstrap_interval(
        counts,
        statistic,
        kind="centred" if kind == "mover" else kind,
        level=options.get("level", 0.95),
        replicates=options.get("replicates", 1000),
        stratify_by=options.get("stratify_by"),
        seed=options.get("seed", 0),
    )


def _p_value(changes: np.ndarray) -> float:
    defined = changes[np.isfinite(changes)]
    if not len(defined):
        return np.nan
    fewer = min((defined <= 0).sum(), (defined >= 0).sum())
    return min(1.0, float(2 * (fewer + 1) / (len(defined) + 1)))
