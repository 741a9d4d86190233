"""Groups as the mended model knows them: by index, one of them perhaps unknown."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kd_keras.fairness.encoding import (
    GroupValue,
    check_length,
    check_minus_one,
    encode_groups,
)

Value = TypeVar("Value")


class Encoded(NamedTuple):
    """The groups of examples.

    Attributes:
      names: the groups, sorted.
      codes: index of each example's group, -1 where it is missing, `[examples]`.
    """

    names: tuple[GroupValue, ...]
    codes: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """The group of each example, None where it is missing, `[examples]`."""
        return np.array([*self.names, None], object)[self.codes]


def encode(argument: str, groups: Any, weights: np.ndarray) -> Encoded:
    """Numbers the groups to fit; an example of weight 0 has none, as it is absent.

    Raises:
      ValueError: if the lengths differ, or -1 may be a missing group.
      TypeError: as `encode_groups`.
    """
    names, codes = encode_groups(argument, groups)
    check_length(argument, codes, len(weights))
    codes = np.where(weights > 0, codes, -1)
    check_minus_one(argument, names, codes)
    return Encoded(names, codes)


def encode_served(groups: Any, num_examples: int) -> Encoded:
    """Numbers the groups to predict for: -1, like any that was not fitted, is unknown.

    Raises:
      ValueError, TypeError: as `encode_groups`; or if the lengths differ.
    """
    names, codes = encode_groups("groups", groups)
    check_length("groups", codes, num_examples)
    return Encoded(names, codes)


def in_order(
    by_group: Mapping[GroupValue, Value],
    group_names: Sequence[str] | None,
    unknown: Value,
) -> list[Value]:
    """The value of each index, and last that of an unknown group.

    Args:
      by_group: group -> its value.
      group_names: the groups in the order of their indices; None where they are
        indices themselves.
      unknown: value of other groups.

    Raises:
      ValueError: if a group has no index.
    """
    names: Sequence[GroupValue] = group_names or ()
    if group_names is None:
        indices = [group for group in by_group if isinstance(group, int)]
        if len(indices) < len(by_group) or min(indices) < 0:
            raise ValueError(
                "`group_names` is needed, as the groups have names. Received: None "
                f"for {list(by_group)}. Pass spec.groups[attribute]."
            )
        names = range(max(indices) + 1)
    missing = [group for group in by_group if group not in names]
    if missing:
        raise ValueError(
            f"`group_names` must have every fitted group. Received: {list(names)}, "
            f"without {missing}."
        )
    return [*(by_group.get(name, unknown) for name in names), unknown]
