"""Impact ratios: how often each group is selected, against the most selected one.

A group's impact ratio is its selection rate divided by the highest selection rate of
any group of the same attribute (New York City, 6 RCNY 5-300 and 5-301, of Local Law
144; in other words 29 CFR 1607.4(D), which compares it with four fifths). Both are law
of the United States; what a ratio means for anyone is for a lawyer to say.
"""

import dataclasses

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.contrasts import Pairs, family, largest
from kd_keras.fairness.encoding import Group, sum_cells
from kd_keras.fairness.gap_bounds import proportions
from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.intervals import Interval, check_level
from kd_keras.fairness.names import group_name
from kd_keras.fairness.prediction_counts import PredictionCounts
from kd_keras.fairness.proportions import Proportion
from kd_keras.fairness.rates import selection_rate
from kd_keras.table import Table

# The line of 29 CFR 1607.4(D).
FOUR_FIFTHS = 0.8
# Below this share of the data a group may be left out: 6 RCNY 5-301(d).
LEAST_SHARE = 0.02


@dataclasses.dataclass(frozen=True)
class GroupImpact:
    """How often one group is selected.

    Attributes:
      group: its value; a tuple of values where attributes are crossed.
      examples: of the group, without weights.
      selected: those of which class 1 is predicted, without weights.
      share: the group's part of all examples, in [0, 1], without weights.
      selection_rate: with its Wilson interval.
      impact_ratio: of it to the highest selection rate, in [0, 1], with its interval;
        NaN where it is not calculated, with the reason.
      compared: whether the group is part of the calculation.
    """

    group: Group
    examples: int
    selected: int
    share: float
    selection_rate: Interval
    impact_ratio: Interval
    compared: bool


@dataclasses.dataclass(frozen=True)
class ImpactRatios:
    """Impact ratios of an attribute's groups.

    Attributes:
      groups: one entry each, in the order of their values.
      examples: all examples, without weights.
      unknown: those that have no group of the attribute, and are in no ratio.
      highest: the group with the highest selection rate; None where none is compared.
    """

    groups: tuple[GroupImpact, ...]
    examples: int
    unknown: int
    highest: Group | None

    def _repr_html_(self) -> str:
        title = f"impact ratios, {self.unknown:,} of {self.examples:,} unknown"
        columns = ("group", "selected", "selection rate", "impact ratio")
        rows = [
            (
                group_name(found.group),
                f"{found.selected:,} of {found.examples:,}",
                str(found.selection_rate),
                str(found.impact_ratio) if found.compared else "not compared",
            )
            for found in self.groups
        ]
        return Table(title, columns, rows).html()


def impact_ratios(
    counts: PredictionCounts,
    attribute: Attribute | None = None,
    *,
    min_share: float = 0.0,
    level: float = 0.95,
) -> ImpactRatios:
    """Impact ratios of the groups of an attribute, of one model with two classes.

    Being selected is the prediction of class 1. Where the class 0 is the one that
    people want, pass `counts.one_vs_rest(0)`.

    A ratio is the smallest of those to each other group, or 1. Its interval is that of
    this smallest one: see docs/fairness.md#intervals. So it allows for not knowing
    which group is truly selected most.

    ```python
    from kd_keras.fairness import GroupCounts, impact_ratios

    counts = GroupCounts.from_predictions(
        [1, 0, 1, 0], [1, 0, 1, 1], groups={"sex": ["F", "F", "M", "M"]}
    )
    impact_ratios(counts).groups[0].impact_ratio.value  # 0.5: of "F" half are selected
    ```

    Args:
      counts: counts of the model, such as GroupCounts.
      attribute: sensitive attribute, or a tuple of them to cross; None for the one
        that there is.
      min_share: groups with a smaller share of all examples are not compared, in
        [0, 1); their counts and rates are there all the same.
      level: nominal coverage of every interval, in (0, 1).

    Raises:
      ValueError: if there are more than two classes, or an argument is out of its
        domain.
    """
    check_level(level)
    if not 0 <= min_share < 1:
        raise ValueError(
            f"`min_share` must lie in [0, 1), like {LEAST_SHARE}. Received: "
            f"{min_share}."
        )
    rates = selection_rate(counts, attribute)
    groups, index = counts.attribute_index(attribute)
    sizes = sum_cells(counts.counts, index, len(groups))
    chosen = np.where(counts.prediction == 1, index, -1)
    selected = sum_cells(counts.counts, chosen, len(groups))
    everyone = int(counts.counts.sum())
    shares = sizes / everyone
    compared = shares >= min_share
    ratios = _ratios(counts, attribute, compared, level)
    intervals = rates.intervals(level)
    found = tuple(
        GroupImpact(
            group,
            int(sizes[i]),
            int(selected[i]),
            float(shares[i]),
            intervals[group],
            ratios[i],
            bool(compared[i]),
        )
        for i, group in enumerate(groups)
    )
    first = max(
        (one for one in found if one.compared),
        key=lambda one: one.selection_rate.value,
        default=None,
    )
    unknown = int(counts.counts[index < 0].sum())
    return ImpactRatios(found, everyone, unknown, first.group if first else None)


def _ratios(
    counts: PredictionCounts,
    attribute: Attribute | None,
    compared: np.ndarray,
    level: float,
) -> list[Interval]:
    """The impact ratio of every group `[groups]`."""
    of_all = proportions(counts, GAPS["demographic_parity_ratio"], attribute, 1)
    rate = np.where(compared, of_all.rate[0, 0], np.nan)
    known = Proportion(rate, of_all.trials[0, 0])
    reason = "it needs two groups that are compared"
    if compared.sum() >= 2:
        reason = "" if np.nanmax(rate) > 0 else "no one is selected"
    return [
        _undefined(level, reason or "the group is not compared")
        if reason or not compared[i]
        else _ratio(known, i, level)
        for i in range(len(rate))
    ]


def _undefined(level: float, reason: str) -> Interval:
    return Interval(np.nan, np.nan, np.nan, level, reason=reason)


def _ratio(rates: Proportion, i: int, level: float) -> Interval:
    """Group i's smallest ratio to another one, and at most 1."""
    others = np.delete(np.arange(len(rates.rate)), i)
    pairs = Pairs(np.full_like(others, i), others, len(others))
    # Negatives of ratios, of which the largest counts. All run from group i, so that
    # none is the other side of another one.
    contrasts = family("ratio", rates, pairs)._replace(balance=-np.inf)
    # Where no other group is selected, every ratio is infinite.
    with np.errstate(invalid="ignore"):
        found = largest(contrasts, 1 - level)
    value, low, high = (
        float(np.clip(-end, 0, 1)) for end in (found.value, found.high, found.low)
    )
    return Interval(value, low, high, level)
