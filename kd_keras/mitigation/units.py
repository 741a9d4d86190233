"""The groups that a constraint holds for: small ones together."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kd_keras.fairness.encoding import GroupValue
from kd_keras.mitigation.served import Encoded


@dataclasses.dataclass(frozen=True)
class Units:
    """Groups with thresholds of their own, and the others.

    Attributes:
      units: groups of one threshold each; a unit of several are the small ones.
      unchanged: groups that keep the model's own threshold, since even together they
        are too small; the constraint says nothing of them.
    """

    units: tuple[tuple[GroupValue, ...], ...]
    unchanged: tuple[GroupValue, ...]

    @property
    def shared(self) -> tuple[GroupValue, ...]:
        """The groups of the unit that several share; empty without one."""
        return next((unit for unit in self.units if len(unit) > 1), ())

    def title(self, i: int) -> str:
        """Of a unit, for people."""
        return " with ".join(map(str, self.units[i]))

    def index(self, groups: Encoded) -> np.ndarray:
        """Index of each example's unit, `[examples]`, -1 outside of all."""
        of_group = {group: i for i, unit in enumerate(self.units) for group in unit}
        of_names = [of_group.get(name, -1) for name in groups.names]
        return np.array([*of_names, -1])[groups.codes]

    def titles(self, groups: Encoded) -> np.ndarray:
        """Title of each example's unit, `[examples]`, None outside of all."""
        every = [*map(self.title, range(len(self.units))), None]
        return np.array(every, object)[self.index(groups)]


def unite(
    groups: Sequence[GroupValue], counted: np.ndarray, min_examples: int
) -> Units:
    """Puts the groups with fewer than `min_examples` together.

    Args:
      groups: the groups.
      counted: number of examples of each that count for the constraint, `[groups]`.
      min_examples: what a unit has at least.
    """
    large = counted >= min_examples
    units = [(group,) for group, own in zip(groups, large, strict=True) if own]
    small = tuple(group for group, own in zip(groups, large, strict=True) if not own)
    if small and counted[~large].sum() >= min_examples:
        return Units((*units, small), ())
    return Units(tuple(units), small)
