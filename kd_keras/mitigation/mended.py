"""What GroupThresholds and GroupOffsets have in common."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.mitigation.constraints import Constraint
from kd_keras.mitigation.measure import Measure
from kd_keras.mitigation.offset_search import OffsetSearch
from kd_keras.mitigation.outcome import Outcome, before_and_after
from kd_keras.mitigation.refusal import closest, free_width
from kd_keras.mitigation.served import Encoded
from kd_keras.mitigation.units import Units, unite


class Mended:
    """Moves the decisions of a model by group.

    Args:
      gap, at_most, floor, margin: of the constraint.
      min_examples: of a unit of groups.

    Raises:
      ValueError: if there is no such gap or rate, or a number is out of its domain.
    """

    def __init__(
        self,
        gap: str | None,
        at_most: float | None,
        floor: Mapping[str, float] | None,
        margin: float,
        min_examples: int,
    ):
        self.constraint = Constraint(gap, at_most, dict(floor or {}), margin)
        if min_examples < 1:
            raise ValueError(
                f"`min_examples` must be at least 1. Received: {min_examples!r}."
            )
        self.min_examples = min_examples
        self._outcome: Outcome | None = None
        self._reads_group: bool  # Once it is fitted.

    @property
    def outcome(self) -> Outcome:
        """What changed on the fitted examples.

        Raises:
          ValueError: before `fit`.
        """
        if self._outcome is None:
            raise ValueError(
                f"Nothing is fitted yet. Received: a {type(self).__name__} without "
                "examples. Call fit() first."
            )
        return self._outcome

    def wrap(
        self,
        student: Any,
        *,
        group_names: Sequence[str] | None = None,
        group_model: Any = None,
        group_input: str = "group",
        feature: str | None = None,
    ) -> Any:
        """Puts the mending behind a student: one Keras model.

        Its logits are moved, so that the highest one (a single one: above 0) is the
        decision of `predict`. They are no longer calibrated.

        Args:
          student: a functional or sequential `keras.Model` that answers the logits that
            were fitted.
          group_names: the groups in the order of their indices, as in a DatasetSpec;
            None where the groups were fitted by index.
          group_model: from the student's inputs to one logit per group, as
            `group_head` makes it; the highest one is the group. None takes the group
            as a further input.
          group_input: name of that input, integers `[batch]`; -1 is not known.
          feature: name, beside the group, of the only input of a student that takes no
            dict; None for the name of the student's Input.

        Returns:
          A `keras.Model` of the student's inputs, with the group among them in a dict
          unless a model tells it. It shares the student's weights.

        Raises:
          ValueError: before `fit`, if the student gives no logits or its inputs are
            not known, the groups have no order, or whether the group is inferred is
            not as fitted.
        """
        _ = self.outcome  # It is fitted.
        if self._reads_group == (group_model is not None):
            raise ValueError(
                "`group_model` is needed if, and only if, fit() had inferred groups. "
                f"Received: {group_model!r}. Fit with inferred=, the groups that the "
                "model tells of the same examples."
            )
        return importlib.import_module("kd_keras.mitigation.wrapping").wrap(
            student,
            self._offsets_in_order(group_names),
            group_model=group_model,
            group_input=group_input,
            feature=feature,
        )

    def move(self, logits: Any, indices: Any, group_names: Sequence[str]) -> np.ndarray:
        """What the wrapped model answers where the student answers `logits`.

        Args:
          logits: `[examples, classes]`.
          indices: of each example's group, -1 where it is not known, `[examples]`.
          group_names: the groups in the order of their indices.

        Returns:
          The moved logits, float32 `[examples, classes]`.
        """
        _ = self.outcome  # It is fitted.
        layers = importlib.import_module("kd_keras.mitigation.layers")
        shift = layers.GroupShift(self._offsets_in_order(group_names))
        return np.asarray(shift(np.asarray(logits, np.float32), np.asarray(indices)))

    def describe(self) -> dict[str, Any]:
        """What was done and whether the group is read, for a model card: JSON."""
        outcome = self.outcome.to_dict()
        return {
            "method": type(self).__name__,
            "reads_group": self._reads_group,
            "min_examples": self.min_examples,
            **self._described(),
            **outcome,
        }

    def __str__(self) -> str:
        return repr(self) if self._outcome is None else str(self._outcome)

    def _repr_html_(self) -> str:
        return self.outcome._repr_html_()

    def _offsets_in_order(
        self, group_names: Sequence[str] | None
    ) -> list[Sequence[float]]:
        """The offsets of each index, and last those of an unknown group."""
        raise NotImplementedError

    def _described(self) -> dict[str, Any]:
        """What `describe` says of the parameters that were found."""
        raise NotImplementedError

    def _units(self, groups: Encoded, labels: np.ndarray, num_classes: int) -> Units:
        """The groups that the constraint holds for."""
        cells = _cells(groups.codes, labels, (len(groups.names), num_classes))
        counted = [self.constraint.counted(row) for row in cells.tolist()]
        units = unite(groups.names, np.array(counted, np.int64), self.min_examples)
        least = 2 if self.constraint.gap else 1
        if len(units.units) < least:
            sizes = dict(zip(map(str, groups.names), counted, strict=True))
            raise ValueError(
                f"`groups` must have at least {least} groups with {self.min_examples} "
                f"or more examples that count. Received: {sizes}. Choose another "
                "attribute, collect more examples or lower min_examples."
            )
        return units

    def _search(
        self,
        logits: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray,
        served: np.ndarray,
        num_served: int,
        groups: Encoded,
        units: Units,
    ) -> tuple[np.ndarray, float]:
        """Offsets by coordinate search, and what of `at_most` is kept free.

        Args:
          logits: `[examples, classes]`, in the precision of the served model.
          labels, weights: `[examples]`.
          served: index of the offsets of each example, -1 for none.
          num_served: number of rows of offsets.
          groups: the true groups.
          units: of the true groups.

        Raises:
          ValueError: if a unit is too small, or no offsets were found.
        """
        unit = units.index(groups)
        shape = (len(units.units), logits.shape[1])
        sums = _cells(unit, labels, shape, weights)
        squares = _cells(unit, labels, shape, weights**2)
        effective = sums**2 / np.where(squares > 0, squares, 1)
        plain = Measure(self.constraint, sums, effective)
        search = OffsetSearch(logits, labels, weights, served, num_served, unit, plain)
        nothing = np.zeros((num_served, shape[1]), logits.dtype)
        before = [t[:-1] for t in search.tally(nothing)]
        kept = self.constraint.margin * plain.standard_error(*before)
        width = free_width(self.constraint, kept, units, effective)
        search.measure = Measure(self.constraint, sums, effective, width)
        offsets = search.run()
        after = [t[:-1] for t in search.tally(offsets)]
        if search.measure.violation(*after) > 0:
            raise ValueError(
                "`at_most` and `floor` were not reached. Received: "
                f"at_most={self.constraint.at_most}, floor={self.constraint.floor}; "
                f"{closest(plain, kept, after)}. Allow more."
            )
        return offsets, kept

    def _report(
        self,
        labels: np.ndarray,
        before: np.ndarray,
        after: np.ndarray,
        groups: Encoded,
        units: Units,
        weights: np.ndarray,
        kept_free: float,
        num_classes: int,
    ) -> None:
        changed = before_and_after(
            labels,
            before,
            after,
            groups.values,
            units.titles(groups),
            weights,
            self.constraint,
            num_classes,
        )
        self._outcome = Outcome(
            constraint=self.constraint,
            kept_free=kept_free,
            shared=units.shared,
            unchanged=units.unchanged,
            **changed,
        )


def _cells(
    codes: np.ndarray,
    labels: np.ndarray,
    shape: tuple[int, int],
    values: np.ndarray | None = None,
) -> np.ndarray:
    """Sums, or counts, by code and label; code -1 is left out."""
    inside = codes >= 0
    keys = codes[inside] * shape[1] + labels[inside]
    given = None if values is None else values[inside]
    return np.bincount(keys, given, shape[0] * shape[1]).reshape(shape)
