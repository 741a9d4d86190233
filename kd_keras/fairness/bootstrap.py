"""Bootstrap of counts: multinomial draws of cells instead of examples."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal, TypedDict, TypeVar, get_args

import numpy as np
import scipy.special

from kd_keras.fairness.cell_counts import Attribute, CellCounts
from kd_keras.fairness.confusion import BLOCK_ELEMENTS
from kd_keras.fairness.intervals import Interval, around, check_level

Counts = TypeVar("Counts", bound=CellCounts)
Kind = Literal["percentile", "bca", "centred"]
Statistic = Callable[[Counts], np.ndarray]


class BootstrapOptions(TypedDict, total=False):
    """Options of the functions that bootstrap.

    Attributes:
      replicates: number of replicates; default 1,000.
      level: nominal coverage, in (0, 1); default 0.95.
      kind: "percentile" (default); "bca", bias-corrected and accelerated (Efron
        1987, JASA 82), which evaluates the statistic once more for every cell; or
        "centred", percentiles moved so that the mean replicate is the estimate.
      stratify_by: an attribute whose group sizes every replicate keeps; None
        (default) draws them, too.
      seed: of NumPy's default generator; default 0. Equal seeds draw equal
        replicates of equal counts.
    """

    replicates: int
    level: float
    kind: Kind
    stratify_by: Attribute | None
    seed: int


def resample(
    counts: Counts,
    replicates: int,
    *,
    seed: int = 0,
    stratify_by: Attribute | None = None,
) -> Iterator[Counts]:
    """Yields replicates in blocks: counts of shape `[block, cells]`.

    Drawing n examples with replacement and counting them is one multinomial draw of
    cells, so the replicates are exactly those of the usual bootstrap of examples, at
    a cost that does not depend on n. It is exact with sample weights as well, since
    examples of different weights are in different cells.
    """
    rng = np.random.default_rng(seed)
    strata = _strata(counts, stratify_by)
    groups = max([len(values) for values in counts.groups.values()], default=1)
    elements = max(1, len(counts.cells), groups * counts.num_classes)
    block = max(1, BLOCK_ELEMENTS // elements)
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        draws = np.zeros((size, len(counts.cells)), np.int64)
        for members in strata:
            observed = counts.counts[members]
            total = observed.sum()
            draws[:, members] = rng.multinomial(total, observed / total, size)
        yield dataclasses.replace(counts, counts=draws)


def _strata(counts: CellCounts, attribute: Attribute | None) -> list[np.ndarray]:
    """Cells of each stratum; examples without a group are one stratum."""
    if not len(counts.cells):
        return []
    if attribute is None:
        return [np.arange(len(counts.cells))]
    _, index = counts.attribute_index(attribute)
    order = np.argsort(index, kind="stable")
    return np.split(order, np.nonzero(np.diff(index[order]))[0] + 1)


def bootstrap_values(
    counts: Counts,
    statistic: Statistic,
    *,
    replicates: int = 1000,
    seed: int = 0,
    stratify_by: Attribute | None = None,
) -> np.ndarray:
    """Evaluates a statistic on every replicate.

    Args:
      counts: GroupCounts or PairedCounts.
      statistic: function of such counts with a leading axis of replicates that
        returns one value for each, like
        `lambda c: gap_values(c, "accuracy_gap", attribute="color")`.
      replicates, seed, stratify_by: see BootstrapOptions.

    Returns:
      float64 `[replicates]`, NaN where the statistic is undefined.
    """
    blocks = resample(counts, replicates, seed=seed, stratify_by=stratify_by)
    return np.concatenate([statistic(block) for block in blocks])


def bootstrap_interval(
    counts: Counts,
    statistic: Statistic,
    *,
    replicates: int = 1000,
    level: float = 0.95,
    kind: Kind = "percentile",
    stratify_by: Attribute | None = None,
    seed: int = 0,
) -> tuple[Interval, np.ndarray]:
    """Confidence interval of any statistic of counts.

    The ends are quantiles of replicates, so they stay within the range of the
    statistic, unless they are moved ("centred"). Arguments are those of
    `bootstrap_values` and BootstrapOptions.

    Returns:
      The interval, and the replicates `[replicates]`.
    """
    check_level(level)
    if kind not in get_args(Kind):
        raise ValueError(
            f"`kind` must be one of {list(get_args(Kind))}. Received: {kind!r}."
        )
    if replicates < 2:
        raise ValueError(f"`replicates` must be at least 2. Received: {replicates}.")
    (value,) = statistic(_single(counts))
    values = bootstrap_values(
        counts, statistic, replicates=replicates, seed=seed, stratify_by=stratify_by
    )
    defined = values[np.isfinite(values)]
    undefined = replicates - len(defined)
    if np.isnan(value) or not len(defined):
        undefined_value = "the statistic is undefined on the counts themselves"
        reason = undefined_value if np.isnan(value) else ""
        return Interval(float(value), np.nan, np.nan, level, undefined, reason), values
    if kind == "centred":
        return around(float(value), values, level), values
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if kind == "bca":
        acceleration = _acceleration(counts, statistic, stratify_by)
        tails = _bca_tails(tails, value, defined, acceleration)
    low, high = np.quantile(defined, tails)
    interval = Interval(float(value), float(low), float(high), level, undefined)
    return interval, values


def _single(counts: Counts) -> Counts:
    return dataclasses.replace(counts, counts=counts.counts[np.newaxis])


def _bca_tails(
    tails: np.ndarray, value: float, values: np.ndarray, acceleration: float
) -> np.ndarray:
    below = (np.mean(values < value) + np.mean(values <= value)) / 2
    # Beyond the outermost replicates the bias is unknown; it is taken as half one.
    half = 0.5 / len(values)
    bias = scipy.special.ndtri(np.clip(below, half, 1 - half))
    z = bias + scipy.special.ndtri(tails)
    return scipy.special.ndtr(bias + z / (1 - acceleration * z))


def _acceleration(
    counts: Counts, statistic: Statistic, stratify_by: Attribute | None
) -> float:
    """Acceleration by the jackknife over examples, of which equal ones count once."""
    num_cells = len(counts.cells)
    block = max(1, BLOCK_ELEMENTS // num_cells)
    values = np.concatenate(
        [
            statistic(_without_one(counts, start, min(start + block, num_cells)))
            for start in range(0, num_cells, block)
        ]
    )
    numerator = denominator = 0.0
    for members in _strata(counts, stratify_by):
        defined = members[np.isfinite(values[members])]
        examples = counts.counts[defined]
        total = examples.sum()
        if total > 0:
            mean = np.average(values[defined], weights=examples)
            influence = (total - 1) / total * (mean - values[defined])
            numerator += (examples * influence**3).sum()
            denominator += (examples * influence**2).sum()
    return numerator / (6 * denominator**1.5) if denominator > 0 else 0.0


def _without_one(counts: Counts, start: int, stop: int) -> Counts:
    """Replicate i has one example less in cell start + i."""
    fewer = np.repeat(counts.counts[np.newaxis], stop - start, axis=0)
    fewer[np.arange(stop - start), np.arange(start, stop)] -= 1
    return dataclasses.replace(counts, counts=fewer)
