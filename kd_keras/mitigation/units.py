"""The groups that a constraint holds for: small ones together."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kd_keras.fairness.encoding import GroupValue


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

    def of_each(self, names: Sequence[GroupValue], codes: np.ndarray) -> np.ndarray:
        """The title of each example's unit, `[examples]`, None outside of all.

        Args:
          names: the groups.
          codes: index of each example's group, -1 where it is missing.
        """
        title = {g: self.title(i) for i, unit in enumerate(self.units) for g in unit}
        return np.array([*map(title.get, names), None], object)[codes]


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
