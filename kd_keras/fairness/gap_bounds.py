"""Intervals of gaps and of their changes from bounds of contrasts, without draws."""

import dataclasses
from collections.abc import Callable

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.confusion import class_step, confusions, correctness
from kd_keras.fairness.contrast_changes import PairedRates, highest_change
from kd_keras.fairness.contrasts import all_pairs, family, largest
from kd_keras.fairness.gap_table import GAPS, GapDefinition
from kd_keras.fairness.prediction_counts import PredictionCounts, PredictionPairCounts
from kd_keras.fairness.proportions import Proportion
from kd_keras.fairness.rates import RATES, divide

# Rates that count what is not predicted.
_OF_REST = ("true_negative_rate", "false_negative_rate")


def proportions(
    counts: PredictionCounts,
    definition: GapDefinition,
    attribute: Attribute | None,
    min_examples: int,
) -> Proportion:
    """The rates that a gap compares, with effective sample sizes.

    Returns:
      `[classes, rates, groups]`, NaN where a denominator has fewer than
      `min_examples`.
    """
    (numerator, denominator), (_, squares), (_, examples) = (
        _fractions(dataclasses.replace(counts, weights=weights), definition, attribute)
        for weights in (
            counts.weights,
            counts.weights**2,
            np.ones_like(counts.weights),
        )
    )
    rate = np.where(examples >= min_examples, divide(numerator, denominator), np.nan)
    return Proportion(np.clip(rate, 0, 1), divide(denominator**2, squares))


def _fractions(
    counts: PredictionCounts, definition: GapDefinition, attribute: Attribute | None
) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and denominators, `[classes, rates, groups]`."""
    groups, index = counts.attribute_index(attribute)
    if definition.rates == ("accuracy",):
        blocks = [correctness(counts, index, len(groups))]
    else:
        step = class_step(counts, len(groups))
        blocks = list(confusions(counts, index, len(groups), step))
    parts = [
        [np.broadcast_arrays(*RATES[name](block)) for name in definition.rates]
        for block in blocks
    ]
    numerator, denominator = (
        np.concatenate([np.stack([rate[i].T for rate in p], 1) for p in parts])
        for i in (0, 1)
    )
    return numerator, denominator


def paired_proportions(
    counts: PredictionPairCounts,
    definition: GapDefinition,
    attribute: Attribute | None,
    min_examples: int,
) -> PairedRates:
    """The rates of both models, and what counts in both, as in `proportions`."""
    a, b = (
        proportions(model, definition, attribute, min_examples)
        for model in (counts.a, counts.b)
    )
    both = np.stack(
        [_both(counts, name, definition, attribute) for name in definition.rates],
        axis=1,
    )
    return PairedRates(a, b, both)


def _both(
    counts: PredictionPairCounts,
    name: str,
    definition: GapDefinition,
    attribute: Attribute | None,
) -> np.ndarray:
    """Share of a rate's denominator that counts in both models, `[classes, groups]`."""
    one = dataclasses.replace(definition, rates=(name,))
    a, b, label = counts.prediction_a, counts.prediction_b, counts.label
    if name == "accuracy":
        columns = [(np.ones_like(label), (a == label) & (b == label))]
    else:
        join = np.logical_or if name in _OF_REST else np.logical_and
        classes = range(counts.num_classes) if counts.num_classes > 2 else (1,)
        columns = [(label == c, join(a == c, b == c)) for c in classes]
    groups = counts.cells[:, : len(counts.groups)]
    found = []
    for labels, predictions in columns:
        model = PredictionCounts(
            counts.groups,
            2,
            np.column_stack([groups, labels, predictions]),
            counts.weights,
            counts.counts,
        )
        found.append(divide(*_fractions(model, one, attribute))[0, 0])
    return np.stack(found)


def interval_of_gap(
    counts: PredictionCounts,
    name: str,
    by_class: np.ndarray,
    *,
    attribute: Attribute | None,
    agg: str,
    min_examples: int,
    alpha: float,
) -> tuple[float, float]:
    """Ends of the interval of level 1 - alpha of a gap that is defined.

    Args:
      counts, name, attribute, agg, min_examples: as in `gap_interval`.
      by_class: the gaps, NaN for classes that do not count.
      alpha: one minus the level.
    """
    definition = GAPS[name]
    rates = proportions(counts, definition, attribute, min_examples)
    rates = _components(rates, agg, np.isfinite(by_class))
    pairs = all_pairs(_contrast(definition), [rates])
    found = largest(family(_contrast(definition), _flat(rates), pairs), alpha)
    if len(found.value) == 1:
        low, high = found.low[0], found.high[0]
    else:
        value = found.value.mean()
        low = value - found.excess.mean() - _mean_error(found.noise)
        high = value + _mean_error(found.high - found.value)
    return _turned(definition, float(low), float(high))


def interval_of_change(
    rates: PairedRates,
    definition: GapDefinition,
    agg: str,
    changes: np.ndarray,
    alpha: float,
) -> tuple[float, float]:
    """Ends of the interval of level 1 - alpha of a change that is defined.

    Args:
      rates: from `paired_proportions`.
      definition: of the gap.
      agg: "worst_case" or "mean".
      changes: of each class, NaN for classes that do not count.
      alpha: one minus the level.
    """
    contrast = _contrast(definition)
    defined = np.isfinite(changes)
    a, b = (_components(part, agg, defined) for part in rates[:2])
    both = _components(Proportion(rates.both, rates.both), agg, defined).rate
    pairs = all_pairs(contrast, [a, b])
    flat = PairedRates(_flat(a), _flat(b), both.reshape(*both.shape[:-2], -1))
    of_a, of_b = (family(contrast, part, pairs) for part in flat[:2])
    value = of_b.value.max(-1) - of_a.value.max(-1)
    high = highest_change(contrast, flat, pairs, alpha) - value
    low = highest_change(contrast, flat.swapped, pairs, alpha) + value
    mean = value.mean()
    return _turned(
        definition, float(mean - _mean_error(low)), float(mean + _mean_error(high))
    )


def _contrast(definition: GapDefinition):
    if definition.contrast is None:
        raise ValueError(f"A gap without a contrast is bootstrapped: {definition}.")
    return definition.contrast


def _components(rates: Proportion, agg: str, defined: np.ndarray) -> Proportion:
    """`[components, rates, groups]`: the gap is the mean over the components."""

    def part(values: np.ndarray) -> np.ndarray:
        values = values[defined]
        return values.reshape(-1, 1, values.shape[-1]) if agg == "mean" else values

    return Proportion(part(rates.rate), part(rates.trials))


def _flat(rates: Proportion) -> Proportion:
    return Proportion(*(part.reshape(*part.shape[:-2], -1) for part in rates))


def _mean_error(distances: np.ndarray) -> float:
    """Of a mean of estimates that err independently (Zou & Donner 2008)."""
    return float(np.sqrt((distances**2).sum()) / len(distances))


def _turned(definition: GapDefinition, low: float, high: float) -> tuple[float, float]:
    """Ratios and least rates were compared by their negatives."""
    return (low, high) if definition.contrast == "difference" else (-high, -low)


def p_value(interval: Callable[[float], tuple[float, float]]) -> float:
    """The level at which an interval begins to leave out 0.

    Args:
      interval: alpha -> ends of the interval of level 1 - alpha.
    """
    low, high = np.log(1e-6), 0.0
    for _ in range(18):
        middle = (low + high) / 2
        ends = interval(float(np.exp(middle)))
        excluded = ends[0] > 0 or ends[1] < 0
        low, high = (low, middle) if excluded else (middle, high)
    return float(np.exp(high))
