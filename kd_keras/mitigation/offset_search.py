"""Offsets per group and class, by exact search along one of them at a time."""

import dataclasses
import itertools

import numpy as np

from kd_keras.mitigation.measure import Measure
from kd_keras.mitigation.offset_lines import Line, Tally, between

# Costs of a gap that is too large by 1, in errors per example; then at any cost.
_PENALTIES = (0.25, 0.5, 1.0, 2.0, 8.0)
_SWEEPS = 20
_CUTS, _CUTS_OF_TWO = 256, 100
_GAIN = 1e-12


@dataclasses.dataclass(frozen=True)
class _State:
    """Where the search is.

    Attributes:
      offsets: `[served groups, classes]`.
      tally: of them.
      error, violation: what they come to.
    """

    offsets: np.ndarray
    tally: Tally
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

    The offsets of a group change nobody else's class, so that what is known of its
    lines is kept until they change; and how much is right is counted first, since
    violations matter only where it may be enough.

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
        # Group, class, number of choices -> the group's offsets, and the line at these.
        self._lines: dict[tuple[int, int, int], tuple[bytes, Line]] = {}

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

    def tally(self, offsets: np.ndarray) -> Tally:
        """What is predicted, and what of it is right, `[units + 1, classes]` each."""
        predicted = self.logits.argmax(1)
        for members, offset in zip(self.members, offsets, strict=True):
            predicted[members] = (self.logits[members] + offset).argmax(1)
        return self._counted(np.arange(len(predicted)), predicted)

    def _state(self, offsets: np.ndarray) -> _State:
        tally = self.tally(offsets)
        violation = float(self.measure.violation(*(t[:-1] for t in tally)))
        error = 1 - float(tally.hits.sum()) / self.total
        return _State(offsets, tally, error, violation)

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
        self, places: list[tuple[int, int]], state: _State, penalty: float
    ) -> _State:
        """The best offsets of one line, or of the plane of two, all others as they are.

        Args:
          places: the group and the class of each.
          state: where to begin.
          penalty: cost of violations; inf for any cost.
        """
        size = _CUTS if len(places) == 1 else _CUTS_OF_TWO
        lines = [
            self._line(group, c, size, state.offsets[group]) for group, c in places
        ]
        picked = self._worth_counting(lines, state, penalty)
        if not len(picked[0]):
            return state
        # Groups do not share examples, so that their changes add up.
        selected, hits = state.tally
        for line, choices in zip(lines, picked, strict=True):
            tallies = self._tallies(line)
            selected = selected + (tallies.selected[choices] - line.now.selected)
            hits = hits + (tallies.hits[choices] - line.now.hits)
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
        for line, choices in zip(lines, picked, strict=True):
            offsets[line.group, line.c] = line.values[choices[best]]
        # Counted anew: rounding may have made a tie.
        return self._state(offsets)

    def _worth_counting(
        self, lines: list[Line], state: _State, penalty: float
    ) -> list[np.ndarray]:
        """The choices whose error alone does not say that they improve nothing.

        Returns:
          For each line the index of its choice, `[choices of all lines]`.
        """
        every = np.indices([len(line.values) for line in lines])
        every = every.reshape(len(lines), -1)
        if np.isinf(penalty) and state.violation > 0:
            return list(every)
        right = state.tally.hits.sum()
        for line, choices in zip(lines, every, strict=True):
            right = right + (line.right[choices] - line.now.hits.sum())
        cost = state.error
        if not np.isinf(penalty):
            cost += penalty * state.violation
        # Less than what improves, for what rounding adds.
        enough = 1 - right / self.total < cost - _GAIN / 2
        return list(every[:, enough])

    def _line(self, group: int, c: int, size: int, offsets: np.ndarray) -> Line:
        """One line, at the offsets of its group `[classes]`."""
        key, at = (group, c, size), offsets.tobytes()
        if key not in self._lines or self._lines[key][0] != at:
            self._lines[key] = at, self._new_line(group, c, size, offsets)
        return self._lines[key][1]

    def _new_line(self, group: int, c: int, size: int, offsets: np.ndarray) -> Line:
        members = self.members[group]
        others = self.logits[members] + offsets
        now = self._counted(members, others.argmax(1))
        others[:, c] = -np.inf
        second = others.argmax(1)
        # Class c wins where its offset is above this.
        needed = others.max(1).astype(np.float64) - self.logits[members, c]
        values = between(needed, size).astype(self.logits.dtype)
        changes_at = np.searchsorted(values, needed, side="right")
        labels, weights = self.labels[members], self.weights[members]
        is_right = labels == second
        gains = weights * ((labels == c).astype(float) - is_right)
        rising = np.bincount(changes_at, gains, len(values) + 1)[: len(values)]
        right = (weights * is_right).sum() + np.cumsum(rising)
        return Line(group, c, values, second, changes_at, right, now)

    def _tallies(self, line: Line) -> Tally:
        """Tally of the members for each choice, `[choices, units + 1, classes]`."""
        members, size = self.members[line.group], len(line.values)
        weights, labels = self.weights[members], self.labels[members]
        always = np.full(len(members), line.c)
        found = []
        for base, to, away in zip(
            self._counted(members, line.second),
            (weights, weights * (labels == line.c)),
            (weights, weights * (labels == line.second)),
            strict=True,
        ):
            gained = self._sum(members, always, to, line.changes_at, size)
            lost = self._sum(members, line.second, away, line.changes_at, size)
            found.append(base + np.cumsum(gained - lost, axis=0))
        return Tally(*found)

    def _counted(self, members: np.ndarray, predicted: np.ndarray) -> Tally:
        """Tally of some examples, `[units + 1, classes]`."""
        weights = self.weights[members]
        is_right = predicted == self.labels[members]
        selected = self._sum(members, predicted, weights)[0]
        return Tally(selected, self._sum(members, predicted, weights * is_right)[0])

    def _sum(
        self,
        members: np.ndarray,
        classes: np.ndarray,
        values: np.ndarray,
        steps: np.ndarray | None = None,
        size: int = 1,
    ) -> np.ndarray:
        """Sums by step, unit and class, `[size, units + 1, classes]`."""
        keys = self.units[members] * self.shape[1] + classes
        cells = self.shape[0] * self.shape[1]
        if steps is not None:
            keys = keys + steps * cells
        # Step `size` is after the last choice: never.
        sums = np.bincount(keys, values, (size + 1) * cells)
        return sums.reshape(-1, *self.shape)[:size]
