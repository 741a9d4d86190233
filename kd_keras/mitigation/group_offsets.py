"""GroupOffsets: offsets per group and class on the logits, for several classes."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from kd_keras.fairness.encoding import GroupValue, check_classes, check_weights
from kd_keras.mitigation.mended import Mended
from kd_keras.mitigation.served import Encoded, encode, encode_served, in_order


class GroupOffsets(Mended):
    """Offsets of little error whose gap is small, or that reach a floor.

    ```python
    from kd_keras.mitigation import GroupOffsets

    mended = GroupOffsets("accuracy_gap", 0.0, margin=0, min_examples=1).fit(
        logits=[[2, 0, 0], [0, 2, 0], [0, 0, 2], [2, 0, 0], [0, 2, 0], [1, 0, 0.5]],
        labels=[0, 1, 2, 0, 1, 2],
        groups=["red"] * 3 + ["blue"] * 3,
    )
    mended.outcome.gap  # (1/3, 0.0)
    ```

    An example is given the class of the highest logit after the offset of its group
    and that class is added. The search goes along one offset at a time, exactly, from
    where the model is, and is deterministic. The result fulfils the constraint on the
    fitted examples, or is refused; it is not worse in error than the model itself where
    that fulfils it, too; other offsets may have less error. For two classes
    GroupThresholds has none that are better.

    Args:
      gap: "demographic_parity_difference", "equal_opportunity_difference",
        "equalized_odds_difference", "false_positive_rate_difference", each the mean of
        the classes' one-vs-rest gaps, or "accuracy_gap"; None for floors alone.
      at_most: the largest allowed gap, in [0, 1].
      floor: rate -> what it has to be in every group at least: "accuracy", or, for
        every class, "true_positive_rate", "true_negative_rate" or "selection_rate".
      margin: standard errors kept free, as in GroupThresholds.
      min_examples: groups with fewer examples that count, in the class that has the
        fewest, share their offsets.

    Raises:
      ValueError: if there is no such gap or rate, or a number is out of its domain.
    """

    def __init__(
        self,
        gap: str | None = None,
        at_most: float | None = None,
        *,
        floor: Mapping[str, float] | None = None,
        margin: float = 2.0,
        min_examples: int = 50,
    ):
        super().__init__(gap, at_most, floor, margin, min_examples)
        self._offsets: dict[GroupValue, np.ndarray] = {}
        self._num_classes: int  # Once it is fitted.

    @property
    def offsets(self) -> dict[GroupValue, np.ndarray]:
        """Group -> what is added to its logits, float32 `[classes]`."""
        return self._offsets

    def fit(
        self,
        logits: Any,
        labels: Any,
        groups: Any,
        *,
        inferred: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Chooses the offsets.

        Args:
          logits: `[examples, classes]`.
          labels: class indices `[examples]`.
          groups: strings or integers, `[examples]`; None and NaN are missing, and
            such examples are left as they are. -1 beside integers from 0 on is
            refused, for it may be a group or a missing one.
          inferred: the group that a model tells of each example, `[examples]`, where
            the true one is not known when the model is served. The offsets are of
            these, the constraint holds for `groups`.
          sample_weight: finite, not negative, `[examples]`; None for ones.

        Returns:
          Itself.

        Raises:
          ValueError: as GroupThresholds.fit.
        """
        scores = _checked(logits)
        self._num_classes = scores.shape[1]
        labels = check_classes("labels", labels, self._num_classes)
        weights = check_weights(sample_weight, len(scores))
        true = encode("groups", groups, weights)
        units = self._units(true, labels, self._num_classes)
        if inferred is None:
            told, served = true, units.index(true)
            size = len(units.units)
        else:
            told = encode("inferred", inferred, weights)
            served, size = told.codes, len(told.names)
        found, kept = self._search(scores, labels, weights, served, size, true, units)
        self._offsets = {}
        for i, name in enumerate(told.names):
            here = served[told.codes == i]
            if len(here) and here[0] >= 0:
                self._offsets[name] = found[here[0]]
            else:
                self._offsets[name] = np.zeros(self._num_classes, np.float32)
        self._reads_group = inferred is None
        before, after = scores.argmax(1), self._decide(scores, told)
        self._report(
            labels, before, after, true, units, weights, kept, self._num_classes
        )
        return self

    def predict(self, logits: Any, groups: Any) -> np.ndarray:
        """Hard classes.

        Args:
          logits: as in `fit`.
          groups: as in `fit`, or as `inferred` if there was such; a missing group, and
            one that was not fitted, is left as it is.

        Returns:
          Class indices, int64 `[examples]`.
        """
        _ = self.outcome  # It is fitted.
        scores = _checked(logits)
        if scores.shape[1] != self._num_classes:
            raise ValueError(
                f"`logits` must have {self._num_classes} classes, as those that were "
                f"fitted. Received: shape {scores.shape}."
            )
        return self._decide(scores, encode_served(groups, len(scores)))

    def _decide(self, logits: np.ndarray, groups: Encoded) -> np.ndarray:
        nothing = np.zeros(self._num_classes, np.float32)
        of_groups = [self._offsets.get(name, nothing) for name in groups.names]
        of_each = np.stack([*of_groups, nothing])[groups.codes]
        return (logits + of_each).argmax(1)

    def _offsets_in_order(
        self, group_names: Sequence[str] | None
    ) -> list[Sequence[float]]:
        nothing = np.zeros(self._num_classes, np.float32)
        ordered = in_order(self._offsets, group_names, nothing)
        return [offsets.tolist() for offsets in ordered]

    def _described(self) -> dict[str, Any]:
        return {"offsets": {str(g): o.tolist() for g, o in self._offsets.items()}}


def _checked(logits: Any) -> np.ndarray:
    # In the arithmetic of the model that `wrap` makes.
    scores = np.asarray(logits, np.float32)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(
            "`logits` must have shape [examples, classes], at least 2 classes. "
            f"Received: {scores.shape}."
        )
    if not np.isfinite(scores).all():
        raise ValueError(
            f"`logits` must be finite. Received: {(~np.isfinite(scores)).sum()} that "
            "are not. Check that training did not diverge."
        )
    return scores
