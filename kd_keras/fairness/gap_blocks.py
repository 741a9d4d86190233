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
    """Rates `[..., groups, classes]` and gaps `[..., classes]` of a class range."""

    first_class: int | None
    rates: list[np.ndarray]
    gaps: list[np.ndarray]


def gap_blocks(
    counts: PredictionCounts,
    definition: GapDefinition,
    index: np.ndarray,
    num_groups: int,
    method: Method,
    min_examples: int,
    observed: PredictionCounts,
) -> Iterator[Block]:
    """Yields the rates and gaps of all classes; arguments as in `gap_values`."""
    accuracy = definition.rates == ("accuracy",)
    step = class_step(counts, num_groups)

    def confusion(of, index, num_groups, needed=True):
        if not needed:
            return itertools.repeat(None)
        if accuracy:
            return iter([correctness(of, index, num_groups)])
        return confusions(of, index, num_groups, step)

    for groups, overall, examples in zip(
        confusion(counts, index, num_groups),
        confusion(counts, np.zeros_like(index), 1, method == "to_overall"),
        confusion(observed.unweighted(), index, num_groups, min_examples > 1),
        strict=False,
    ):
        rates, gaps = [], []
        for name in definition.rates:
            rate = divide(*RATES[name](groups))
            if examples is not None:
                few = RATES[name](examples)[1] < min_examples
                rate = np.where(few, np.nan, rate)
            whole = None if overall is None else divide(*RATES[name](overall))
            rates.append(rate)
            gaps.append(definition.compare(rate, whole))
        yield Block(None if accuracy else groups.first_class, rates, gaps)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without NaN; NaN if all are."""
    return divide(np.nansum(values, axis=-1), np.isfinite(values).sum(axis=-1))


def combine(definition: GapDefinition, gaps: list[np.ndarray], agg: Aggregation):
    if agg == "worst_case":
        return functools.reduce(definition.worst_case, gaps)
    return sum(gaps) / len(gaps)
