"""Which groups decide a gap, which are left out, and how many examples each has."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from kd_keras.fairness.encoding import Group
from kd_keras.fairness.gap_blocks import Aggregation, Block, combine
from kd_keras.fairness.gap_table import GapDefinition
from kd_keras.fairness.names import group_name

_OF = {
    "true_positive_rate": "positives",
    "false_negative_rate": "positives",
    "false_positive_rate": "negatives",
    "true_negative_rate": "negatives",
    "precision": "predicted positives",
}


class GroupSize(NamedTuple):
    """A group and what its rate rests on, in examples without weights.

    Attributes:
      group: its value; a tuple of values where attributes are crossed.
      examples: all examples of the group.
      rate: name of the rate that is compared.
      denominator: examples in the denominator of that rate.
    """

    group: Group
    examples: int
    rate: str
    denominator: int

    @property
    def name(self) -> str:
        """See `group_name`."""
        return group_name(self.group)

    @property
    def size(self) -> str:
        """Such as: 7 examples; or: 1,040 examples, 3 of them positives."""
        text = number_of_examples(self.examples)
        if self.rate in _OF and self.denominator < self.examples:
            text += f", {self.denominator:,} of them {_OF[self.rate]}"
        return text

    def __str__(self) -> str:
        """Such as: Asian, male: 7 examples."""
        return f"{self.name}: {self.size}"


class Deciding(NamedTuple):
    """The groups that are compared last: those with the extreme rates.

    `positive_class` is None for accuracy, which has no positive class.
    """

    positive_class: int | None
    lowest: GroupSize
    highest: GroupSize

    def __str__(self) -> str:
        """Such as: Female (90 examples) and Male (200 examples)."""
        ends = dict.fromkeys(
            f"{g.name} ({g.size})" for g in (self.lowest, self.highest)
        )
        return " and ".join(ends)


def number_of_examples(number: int) -> str:
    """ "1 example", "1,221 examples"."""
    return f"{number:,} example{'' if number == 1 else 's'}"


def deciding(
    definition: GapDefinition,
    block: Block,
    groups: Sequence[Group],
    sizes: np.ndarray,
    agg: Aggregation,
) -> Iterator[Deciding]:
    """The deciding groups of each class of a block whose gap one rate decides."""
    combined = combine(definition, block.gaps, agg)
    for j in np.nonzero(np.isfinite(combined))[0].tolist():
        for i, name in enumerate(definition.rates):
            if block.gaps[i][j] == combined[j]:
                rate = block.rates[i][:, j]
                ends = int(np.nanargmin(rate)), int(np.nanargmax(rate))
                lowest, highest = (
                    GroupSize(
                        groups[g], int(sizes[g]), name, int(block.examples[i][g, j])
                    )
                    for g in ends
                )
                positive = None if block.first_class is None else block.first_class + j
                yield Deciding(positive, lowest, highest)
                break


def left_out(
    definition: GapDefinition,
    block: Block,
    groups: Sequence[Group],
    sizes: np.ndarray,
) -> Iterator[GroupSize]:
    """Groups that lack a rate of a class of the block, once for each such rate."""
    for name, rate, examples in zip(
        definition.rates, block.rates, block.examples, strict=True
    ):
        fewest = examples.min(axis=-1)
        for g in np.nonzero(np.isnan(rate).any(axis=-1))[0].tolist():
            yield GroupSize(groups[g], int(sizes[g]), name, int(fewest[g]))


def one_for_each_group(sizes: Iterable[GroupSize]) -> tuple[GroupSize, ...]:
    """Of each group the rate with the fewest examples, in the order of the groups.

    Where all examples of a group are too few for a rate, that one says enough.
    """
    found: dict[Group, GroupSize] = {}

    def place(size: GroupSize) -> tuple[bool, int]:
        return size.denominator < size.examples, size.denominator

    for size in sizes:
        least = found.setdefault(size.group, size)
        if place(size) < place(least):
            found[size.group] = size
    return tuple(found[group] for group in sorted(found))
