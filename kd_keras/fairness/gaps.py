"""Gaps between groups, with what they leave out.

With two classes, class 1 is the positive one. With more, the gap is the mean over
classes of the one-vs-rest gaps (Algorithm 1 of Mohammadshahi & Ioannou, TMLR 2025),
accuracy excepted.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.encoding import Group, sum_cells
from kd_keras.fairness.gap_blocks import (
    Aggregation,
    Block,
    Method,
    combine,
    gap_blocks,
    mean_of_defined,
)
from kd_keras.fairness.gap_groups import (
    Deciding,
    GroupSize,
    deciding,
    left_out,
    number_of_examples,
    one_for_each_group,
)
from kd_keras.fairness.gap_table import GAPS
from kd_keras.fairness.prediction_counts import PredictionCounts
from kd_keras.table import fields_html


class UndefinedRate(NamedTuple):
    """Groups whose rate has fewer than `min_examples` examples in its denominator.

    `positive_class` is None for accuracy, which has no positive class.
    """

    rate: str
    positive_class: int | None
    groups: tuple[Group, ...]


@dataclasses.dataclass(frozen=True)
class Gap:
    """A gap; `float(gap)` is its value.

    Attributes:
      name: name of the gap.
      value: the gap; with more than two classes the mean of the classes' gaps that
        are defined; NaN if none is.
      by_class: gap of each class, `[1]` for two classes and for accuracy,
        `[num_classes]` else, NaN where undefined.
      lowest: group with the lowest rate, and
      highest: group with the highest rate, of the rate that decides; None for
        several classes or an undefined gap.
      undefined: rates that were left out.
      reason: why `value` is NaN, else "".
      deciding: the groups whose rates make the gap, with their sizes; one entry for
        each class whose gap is defined, and none where `agg="mean"` has no single
        rate that decides.
      left_out: the groups that are not compared in some rate, with their sizes.
      without_group: examples that have no group of the attribute, without weights.
    """

    name: str
    value: float
    by_class: np.ndarray
    lowest: Group | None
    highest: Group | None
    undefined: tuple[UndefinedRate, ...]
    reason: str
    deciding: tuple[Deciding, ...] = ()
    left_out: tuple[GroupSize, ...] = ()
    without_group: int = 0

    def __float__(self) -> float:
        return self.value

    @property
    def widest(self) -> Deciding | None:
        """The groups that decide; of several classes, those of the most unequal one.

        None for an undefined gap, and where no single rate decides.
        """
        if len(self.by_class) == 1 or not self.deciding:
            return next(iter(self.deciding), None)
        worst = np.nanargmin if GAPS[self.name].higher_is_better else np.nanargmax
        of_class = {found.positive_class: found for found in self.deciding}
        return of_class.get(int(worst(self.by_class)))

    def notes(self) -> list[str]:
        """What is not compared, such as "Asian, male: 7 examples, not compared"."""
        notes = [f"{size}, not compared" for size in self.left_out]
        if self.without_group:
            without = number_of_examples(self.without_group)
            notes.append(f"{without} without a group, not compared")
        return notes

    _repr_html_ = fields_html


def notes_of(gaps: Sequence[Gap]) -> list[str]:
    """What several gaps of the same counts and attribute do not compare."""
    sizes = one_for_each_group(size for found in gaps for size in found.left_out)
    if not gaps:
        return []
    return dataclasses.replace(gaps[0], left_out=sizes).notes()


def gap(
    counts: PredictionCounts,
    name: str,
    *,
    attribute: Attribute | None = None,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = 1,
) -> Gap:
    """Computes a gap by its name, with what it leaves out; see `gap_values`."""
    check_options(name, method, agg, min_examples)
    definition = GAPS[name]
    groups, index = counts.attribute_index(attribute)
    sizes = sum_cells(counts.counts, index, len(groups))
    by_class, undefined = [], []
    decide: list[Deciding] = []
    missing: list[GroupSize] = []
    for block in gap_blocks(
        counts, definition, index, len(groups), method, min_examples, counts
    ):
        by_class.append(combine(definition, block.gaps, agg))
        undefined += _undefined(definition.rates, block, groups)
        decide += deciding(definition, block, groups, sizes, agg)
        missing += left_out(definition, block, groups, sizes)
    values = np.concatenate(by_class)
    value = float(mean_of_defined(values))
    one = decide[0] if len(values) == 1 and decide else None
    reason = _reason(groups, undefined, min_examples, counts)
    return Gap(
        name,
        value,
        values,
        one.lowest.group if one else None,
        one.highest.group if one else None,
        tuple(undefined),
        reason if np.isnan(value) else "",
        tuple(decide),
        one_for_each_group(missing),
        int(counts.counts[index < 0].sum()),
    )


def _undefined(rates: tuple[str, ...], block: Block, groups) -> list[UndefinedRate]:
    found = []
    for name, rate in zip(rates, block.rates, strict=True):
        missing = np.isnan(rate)
        for i in np.nonzero(missing.any(axis=0))[0].tolist():
            positive_class = (
                None if block.first_class is None else block.first_class + i
            )
            absent = tuple(itertools.compress(groups, missing[:, i]))
            found.append(UndefinedRate(name, positive_class, absent))
    return found


def _reason(groups, undefined, min_examples, counts) -> str:
    if len(groups) < 2:
        return f"needs at least two groups, has {len(groups)}: {list(groups)}"
    few = "no examples" if min_examples <= 1 else f"under {min_examples} examples"
    if counts.num_classes > 2 and undefined:
        return f"no class has two groups with defined rates ({few} in a denominator)"
    for rate in undefined:
        if len(groups) - len(rate.groups) < 2:
            return (
                f"needs at least two groups with a defined {rate.rate}; it has {few} "
                f"in its denominator for {list(rate.groups)[:5]}"
            )
    return "every group's rate is 0, and 0 / 0 is undefined"


def check_options(name: str, method: str, agg: str, min_examples: int) -> None:
    allowed = {
        "name": (name, list(GAPS)),
        "method": (method, ["between_groups", "to_overall"]),
        "agg": (agg, ["worst_case", "mean"]),
    }
    for argument, (value, choices) in allowed.items():
        if value not in choices:
            raise ValueError(
                f"`{argument}` must be one of {choices}. Received: {value!r}."
            )
    if min_examples < 0:
        raise ValueError(
            "`min_examples` must be at least 0, which leaves nothing out. Received: "
            f"{min_examples}."
        )


def gap_values(
    counts: PredictionCounts,
    name: str,
    *,
    attribute: Attribute | None = None,
    method: Method = "between_groups",
    agg: Aggregation = "worst_case",
    min_examples: int = 1,
    observed: PredictionCounts | None = None,
) -> np.ndarray:
    """Computes a gap of counts with leading (bootstrap) axes.

    Args:
      counts: counts `[..., cells]`.
      name: a key of GAPS.
      attribute, method, agg, min_examples: as in the function of that name.
      observed: counts of which `min_examples` is asked, when `counts` are
        replicates of them; None for `counts`.

    Returns:
      `[...]`, NaN where undefined.
    """
    check_options(name, method, agg, min_examples)
    definition = GAPS[name]
    groups, index = counts.attribute_index(attribute)
    asked = (observed or counts) if min_examples > 1 else None
    blocks = gap_blocks(
        counts, definition, index, len(groups), method, min_examples, asked
    )
    by_class = [combine(definition, block.gaps, agg) for block in blocks]
    return mean_of_defined(np.concatenate(by_class, axis=-1))
