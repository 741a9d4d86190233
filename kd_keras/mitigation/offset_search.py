"""Offsets per group and class, by exact search along one of them at a time."""

import dataclasses
import itertools

import numpy as np

from kd_keras.mitigation.measure import Measure

# Costs of a gap that is too large by 1, in errors per example; then at any cost.
_PENALTIES = (0.25, 0.5, 1.0, 2.0, 8.0)
_SWEEPS = 20
_CUTS, _CUTS_OF_TWO = 256, 100
_GAIN = 1e-12


@dataclasses.dataclass
class _State:
    offsets: np.ndarray
    error: float
    violation: float

    def better_than(self, other: "_State") -> bool:
        return (self.violation, self.error) < (other.violation, other.error)


class OffsetSearch:
    """Looks for offsets of least error under a constraint.

    Along one offset, the examples change their class one after the other as it grows.
    So a line is searched at every point where something changes, or at 256 of them,
    evenly spread; of two classes, the plane of two groups as well, at 100 x 100. The
    lines are gone through in a fixed order until nothing improves:
    first at a low price for violations, then at higher ones, each time from where the
    last one ended, and each end is made to fulfil the constraint at any price. Of those
    ends the best is taken. The problem is not convex: there may be better offsets.

    Args:
      logits: `[examples, classes]`, in the precision in which offsets are added to them
        when the model is served: ties are then decided alike.
      labels: class indices `[examples]`.
      weights: positive, `[examples]`.
      served: index of the offsets of each example; -1 for those that are not moved.
      num_served: number of rows of offsets.
      units: index of each example's unit in the measure, -1 for none.
      measure: the constraint.
    """

    def __init__(
        self,
        logits: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray,
        served: np.ndarray,
        num_served: int,
        units: np.ndarray,
        measure: Measure,
    ):
        self.logits, self.labels, self.weights = logits, labels, weights
        self.measure = measure
        num_units = len(measure.weights)
        # A last unit for those that are in none; it counts as errors only.
        self.units = np.where(units >= 0, units, num_units)
        self.shape = (num_units + 1, logits.shape[1])
        self.members = [np.nonzero(served == i)[0] for i in range(num_served)]
        self.total = float(weights.sum())

    def run(self) -> np.ndarray:
        """The best offsets found, `[served groups, classes]`."""
        offsets = np.zeros((len(self.members), self.shape[1]), self.logits.dtype)
        best = self._state(offsets)
        if best.violation > 0:
            best = self._improved(best, np.inf)
        state = self._state(offsets)
        for penalty in _PENALTIES:
            state = self._improved(state, penalty)
            end = self._improved(state, np.inf)
            best = end if end.better_than(best) else best
        return best.offsets

    def tally(self, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is predicted, and what of it is right, `[units + 1, classes]` each."""
        predicted = self.logits.argmax(1)
        for members, offset in zip(self.members, offsets, strict=True):
            predicted[members] = (self.logits[members] + offset).argmax(1)
        every = np.arange(len(predicted))
        return (
            self._sum(every, predicted, self.weights),
            self._sum(every, predicted, self.weights * (predicted == self.labels)),
        )

    def _state(self, offsets: np.ndarray) -> _State:
        selected, hits = self.tally(offsets)
        violation = float(self.measure.violation(selected[:-1], hits[:-1]))
        return _State(offsets, 1 - float(hits.sum()) / self.total, violation)

    def _improved(self, state: _State, penalty: float) -> _State:
        """Where going through the lines ends."""
        groups, classes = range(len(self.members)), range(self.shape[1])
        for _ in range(_SWEEPS):
            before = state
            # Two thresholds at a time: a gap is often closed by moving both.
            for one, other in itertools.combinations(groups, 2):
                if self.shape[1] == 2:
                    state = self._along([(one, 1), (other, 1)], state, penalty)
            for line in itertools.product(groups, classes):
                state = self._along([line], state, penalty)
            if state is before:
                break
        return state

    def _along(
        self, lines: list[tuple[int, int]], state: _State, penalty: float
    ) -> _State:
        """The best offsets of one line, or of the plane of two, all others as they are.

        Args:
          lines: the group and the class of each.
          state: where to begin.
          penalty: cost of violations; inf for any cost.
        """
        size = _CUTS if len(lines) == 1 else _CUTS_OF_TWO
        choices, tallies = zip(
            *(self._line(state.offsets, group, c, size) for group, c in lines),
            strict=True,
        )
        selected, hits = tallies[0]
        if len(lines) == 2:
            # Groups do not share examples, so that their changes add up.
            now = self.tally(state.offsets)
            selected, hits = (
                (one[:, None] + other - both).reshape(-1, *self.shape)
                for one, other, both in zip(*tallies, now, strict=True)
            )
        errors = 1 - hits.sum((-2, -1)) / self.total
        violations = self.measure.violation(selected[:, :-1], hits[:, :-1])
        if np.isinf(penalty):
            best = int(np.lexsort((errors, violations))[0])
            gain = state.violation - violations[best]
            improves = gain > _GAIN or (
                gain >= 0 and state.error - errors[best] > _GAIN
            )
        else:
            costs = errors + penalty * violations
            best = int(costs.argmin())
            improves = state.error + penalty * state.violation - costs[best] > _GAIN
        if not improves:
            return state
        offsets = state.offsets.copy()
        picked = np.unravel_index(best, [len(values) for values in choices])
        for (group, c), values, i in zip(lines, choices, picked, strict=True):
            offsets[group, c] = values[i]
        # Counted anew: rounding may have made a tie.
        return self._state(offsets)

    def _line(
        self, offsets: np.ndarray, group: int, c: int, size: int
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Choices of one offset, and the tally of each."""
        members = self.members[group]
        others = self.logits[members] + offsets[group]
        others[:, c] = -np.inf
        second = others.argmax(1)
        # Class c wins where its offset is above this.
        needed = others.max(1).astype(np.float64) - self.logits[members, c]
        choices = _between(needed, size).astype(self.logits.dtype)
        changes_at = np.searchsorted(choices, needed, side="right")
        tallies = self._tallies(offsets, group, c, second, changes_at, len(choices))
        return choices, tallies

    def _tallies(
        self,
        offsets: np.ndarray,
        group: int,
        c: int,
        second: np.ndarray,
        changes_at: np.ndarray,
        size: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """`tally` for each choice of one offset, `[choices, units + 1, classes]`."""
        members = self.members[group]
        never = offsets.copy()
        never[group, c] = -np.inf
        weights, labels = self.weights[members], self.labels[members]
        found = []
        for base, to, away in zip(
            self.tally(never),
            (weights, weights * (labels == c)),
            (weights, weights * (labels == second)),
            strict=True,
        ):
            gained = self._sum(members, np.full(len(members), c), to, changes_at, size)
            lost = self._sum(members, second, away, changes_at, size)
            found.append(base + np.cumsum(gained - lost, axis=0))
        return found[0], found[1]

    def _sum(
        self,
        members: np.ndarray,
        classes: np.ndarray,
        values: np.ndarray,
        steps: np.ndarray | None = None,
        size: int = 1,
    ) -> np.ndarray:
        """Sums by unit and class, and by step where there are steps."""
        keys = self.units[members] * self.shape[1] + classes
        if steps is None:
            return np.bincount(keys, values, np.prod(self.shape)).reshape(self.shape)
        cells = self.shape[0] * self.shape[1]
        # Step `size` is after the last choice: never.
        sums = np.bincount(steps * cells + keys, values, (size + 1) * cells)
        return sums.reshape(-1, *self.shape)[:size]


def _between(values: np.ndarray, size: int) -> np.ndarray:
    """Numbers below, between and above the values, rising; at most `size` between."""
    distinct = np.unique(values)
    if not len(distinct):
        return np.zeros(1)
    middles = distinct[:-1] + np.diff(distinct) / 2
    if len(middles) > size:
        middles = middles[np.linspace(0, len(middles) - 1, size).round().astype(int)]
    return np.concatenate([[distinct[0] - 1], middles, [distinct[-1] + 1]])
