"""Rates of the groups and their gaps, a range of classes at a time."""

import functools
import itertools
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from kd_keras.fairness.confusion import (
    class_step,
    confusions,
    correctness,
)
from kd_keras.fairness.gap_table import GapDefinition
from kd_keras.fairness.prediction_counts import PredictionCounts
from kd_keras.fairness.rates import RATES, divide

Method = Literal["between_groups", "to_overall"]
Aggregation = Literal["worst_case", "mean"]


class Block(NamedTuple):
    """Rates `[..., groups, classes]` and gaps `[..., classes]` of a class range.

    `examples` are those in each rate's denominator, `[..., groups, classes]` without
    weights; empty where nobody asked.
    """

    first_class: int | None
    rates: list[np.ndarray]
    gaps: list[np.ndarray]
    examples: list[np.ndarray]


def gap_blocks(
    counts: PredictionCounts,
    definition: GapDefinition,
    index: np.ndarray,
    num_groups: int,
    method: Method,
    min_examples: int,
    observed: PredictionCounts | None,
) -> Iterator[Block]:
    """Yields the rates and gaps of all classes; arguments as in `gap_values`.

    Without `observed`, nothing is asked of the denominators.
    """
    accuracy = definition.rates == ("accuracy",)
    step = class_step(counts, num_groups)

    def confusion(of, index, num_groups):
        if of is None:
            return itertools.repeat(None)
        if accuracy:
            return iter([correctness(of, index, num_groups)])
        return confusions(of, index, num_groups, step)

    for groups, overall, examples in zip(
        confusion(counts, index, num_groups),
        confusion(counts if method == "to_overall" else None, np.zeros_like(index), 1),
        confusion(observed.unweighted() if observed else None, index, num_groups),
        strict=False,
    ):
        rates, gaps, sizes = [], [], []
        for name in definition.rates:
            rate = divide(*RATES[name](groups))
            if examples is not None:
                size = np.broadcast_to(RATES[name](examples)[1], rate.shape)
                rate = np.where(size < min_examples, np.nan, rate)
                sizes.append(size)
            whole = None if overall is None else divide(*RATES[name](overall))
            rates.append(rate)
            gaps.append(definition.compare(rate, whole))
        yield Block(None if accuracy else groups.first_class, rates, gaps, sizes)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; NaN if all are."""
    return divide(np.nansum(values, axis=-1), np.isfinite(values).sum(axis=-1))


def combine(definition: GapDefinition, gaps: list[np.ndarray], agg: Aggregation):
    if agg == "worst_case":
        return functools.reduce(definition.worst_case, gaps)
    return sum(gaps) / len(gaps)
