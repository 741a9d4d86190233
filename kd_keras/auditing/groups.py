"""How the accuracy of each group changes from the reference to another model."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.special

from kd_keras.auditing.counting import SeedCounts, Tally
from kd_keras.fairness import GroupCounts, Interval, PairedCounts
from kd_keras.fairness.cell_counts import Attribute, CellCounts
from kd_keras.fairness.encoding import Group, sum_cells
from kd_keras.fairness.names import parts


@dataclasses.dataclass(frozen=True)
class GroupChange:
    """One group under one model and the reference.

    Attributes:
      attribute: the attribute or the crossing.
      group: the group; a tuple of a crossing.
      examples: how many are in it.
      reference: accuracy of the reference, the mean over its seeds.
      accuracy: accuracy of the model, the mean over its seeds.
      change: `accuracy - reference`; the intervals of all groups of an audit hold
        together with its level.
    """

    attribute: Attribute
    group: Group
    examples: int
    reference: float
    accuracy: float
    change: Interval

    @property
    def sure(self) -> bool:
        """Whether the interval of the change is on one side of 0."""
        return self.change.low > 0 or self.change.high < 0


def group_changes(
    tally: Tally,
    counts: dict[str, GroupCounts],
    pairs: dict[str, PairedCounts],
    seeds: dict[str, SeedCounts],
    attributes: Sequence[Attribute],
    min_examples: int,
    level: float,
) -> dict[str, tuple[GroupChange, ...]]:
    """The changes of every model but the reference, the worst first.

    Groups of fewer than `min_examples` are left out. Each interval is that of Agresti
    & Min (2005, Statistics in Medicine 24: 729-740) for a difference of paired
    proportions, which adds two examples; weighted examples count as their effective
    number (Kish 1965), and seeds add the variance of their mean, with Student's t. So
    that all of them hold at once, each has the level 1 - (1 - level) / intervals
    (Bonferroni).
    """
    others = list(tally.models)[1:]
    first = next(iter(counts.values()))
    compared = [
        (attribute, group)
        for attribute in attributes
        for group, n in first.accuracy(attribute).examples.items()
        if n >= min_examples
    ]
    tail = (1 - level) / max(1, len(compared) * len(others)) / 2
    found = {}
    for model in others:
        changes = [
            change
            for attribute in attributes
            for change in _of_attribute(
                tally, model, counts, pairs, seeds, attribute, tail, level
            )
            if change.examples >= min_examples
        ]
        found[model] = tuple(sorted(changes, key=lambda change: change.change.value))
    return found


def _of_attribute(
    tally: Tally,
    model: str,
    counts: dict[str, GroupCounts],
    pairs: dict[str, PairedCounts],
    seeds: dict[str, SeedCounts],
    attribute: Attribute,
    tail: float,
    level: float,
) -> list[GroupChange]:
    runs = tally.models[model]
    joint: CellCounts = seeds[model] if model in seeds else pairs[runs[0]]
    joint = joint.only(*parts(attribute))
    groups, index = joint.attribute_index(attribute)
    gained = _gained(joint, runs, tally)
    value, low, high = _intervals(joint, gained, index, len(groups), tail)
    mean = [np.zeros(len(groups)), np.zeros(len(groups))]
    for run in runs:
        for i, name in enumerate((tally.partners[run], run)):
            by_group = counts[name].accuracy(attribute).by_group
            mean[i] += np.array([by_group[group] for group in groups]) / len(runs)
    sizes = sum_cells(joint.counts, index, len(groups)).tolist()
    return [
        GroupChange(
            attribute,
            group,
            sizes[i],
            float(mean[0][i]),
            float(mean[1][i]),
            Interval(float(value[i]), float(low[i]), float(high[i]), level),
        )
        for i, group in enumerate(groups)
    ]


def _gained(joint: CellCounts, runs: Sequence[str], tally: Tally) -> np.ndarray:
    """1 where a run alone is right, -1 where its partner alone is, `[runs, cells]`."""
    if isinstance(joint, PairedCounts):
        right_a = joint.prediction_a == joint.label
        return ((joint.prediction_b == joint.label).astype(float) - right_a)[None]
    assert isinstance(joint, SeedCounts)
    return np.stack(
        [
            joint.right(run).astype(float) - joint.right(tally.partners[run])
            for run in runs
        ]
    )


def _intervals(
    joint: CellCounts,
    gained: np.ndarray,
    index: np.ndarray,
    num_groups: int,
    tail: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean gain of each group over its examples and seeds, with both ends."""

    def total(values: np.ndarray) -> np.ndarray:
        return sum_cells(values, index, num_groups)

    mass = total(joint.mass)
    effective = mass**2 / total(joint.counts * joint.weights**2)
    mean = gained.mean(axis=0)
    value, square = total(joint.mass * mean) / mass, total(joint.mass * mean**2) / mass
    # Half an example in each of the four cells of right and wrong.
    examples = effective + 2
    center = effective * value / examples
    variance = ((effective * square + 1) / examples - center**2) / examples
    quantile = -scipy.special.ndtri(tail)
    seeds = len(gained)
    if seeds > 1:
        by_seed = total(joint.mass * gained) / mass
        variance = variance + by_seed.var(axis=0, ddof=1) / seeds
        quantile = -scipy.special.stdtrit(seeds - 1, tail)
    half = quantile * np.sqrt(variance)
    low = np.clip(np.minimum(center - half, value), -1, 1)
    return value, low, np.clip(np.maximum(center + half, value), -1, 1)
