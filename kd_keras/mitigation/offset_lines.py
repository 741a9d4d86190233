"""What a search for offsets knows of one group and class."""

from typing import NamedTuple

import numpy as np


class Tally(NamedTuple):
    """What is predicted, and what of it is right, `[..., units + 1, classes]` each."""

    selected: np.ndarray
    hits: np.ndarray


class Line(NamedTuple):
    """One group and class, whose offset is looked for.

    Attributes:
      group, c: the group and the class.
      values: choices of the offset, rising, `[choices]`.
      second: the members' class below every choice, `[members]`.
      changes_at: index of the first choice at which each member's class is `c`.
      right: weight of the members who are right, `[choices]`.
      now: tally of the members as they are.
    """

    group: int
    c: int
    values: np.ndarray
    second: np.ndarray
    changes_at: np.ndarray
    right: np.ndarray
    now: Tally


def between(values: np.ndarray, size: int) -> np.ndarray:
    """Numbers below, between and above the values, rising; at most `size` between."""
    distinct = np.unique(values)
    if not len(distinct):
        return np.zeros(1)
    middles = distinct[:-1] + np.diff(distinct) / 2
    if len(middles) > size:
        middles = middles[np.linspace(0, len(middles) - 1, size).round().astype(int)]
    return np.concatenate([[distinct[0] - 1], middles, [distinct[-1] + 1]])
