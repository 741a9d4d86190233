"""GroupThresholds: one threshold per group, chosen so that no group is harmed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from kd_keras.fairness.encoding import (
    GroupValue,
    check_length,
    check_weights,
    encode_groups,
)
from kd_keras.mitigation.constraints import Constraint
from kd_keras.mitigation.curves import Curve, curve
from kd_keras.mitigation.outcome import Outcome, before_and_after
from kd_keras.mitigation.refusal import check_floors, free_widths
from kd_keras.mitigation.scores import binary_labels, class_one_scores
from kd_keras.mitigation.search import Search
from kd_keras.mitigation.units import Units, unite


class _Fitted(NamedTuple):
    thresholds: dict[GroupValue, float]
    outcome: Outcome
    search: Search


class GroupThresholds:
    """Thresholds of least error whose gap is small, or that reach a floor.

    ```python
    mended = GroupThresholds(floor={"true_positive_rate": 0.6}, margin=0).fit(
        scores=[0.9, 0.4, 0.3, 0.2, 0.8, 0.7, 0.6, 0.1],
        labels=[1, 1, 0, 0, 1, 1, 0, 0],
        groups=["red"] * 4 + ["blue"] * 4,
    )
    mended.predict([0.4, 0.4], ["red", "blue"])  # [1, 0]
    print(mended)
    ```

    For each group the scores are sorted once; every threshold is a point of error and
    rates. The choice is exact: no other thresholds that fulfil the constraint on these
    examples have less error; of equal error, the gap is the smallest. It is
    deterministic, and equal scores of one group get equal decisions (Hardt, Price and
    Srebro 2016, without the randomization).

    Fit on validation examples: on those that the model was trained with, its gaps are
    not those that people will meet.

    Args:
      gap: "demographic_parity_difference", "equal_opportunity_difference",
        "equalized_odds_difference", "false_positive_rate_difference" or
        "accuracy_gap"; None for floors alone.
      at_most: the largest allowed gap, in [0, 1].
      floor: rate -> what it has to be in every group at least: "true_positive_rate",
        "true_negative_rate", "selection_rate" or "accuracy". It cannot be met by
        making others worse off.
      from_logits: whether scores are logits, and what the model selects is above 0;
        else they are probabilities, and it is above 0.5.
      margin: standard errors kept free between the gap of the fitted examples and
        `at_most`, so that other examples keep to it; for a floor, the width of the
        interval whose lower end has to reach it. 0 is the plain constraint.
      min_examples: groups with fewer examples that count (positives, for the TPR)
        share a threshold. If they are too few even together, theirs stays as it was.

    Raises:
      ValueError: if there is no such gap or rate, or a number is out of its domain.
    """

    def __init__(
        self,
        gap: str | None = None,
        at_most: float | None = None,
        *,
        floor: Mapping[str, float] | None = None,
        from_logits: bool = False,
        margin: float = 1.645,
        min_examples: int = 50,
    ):
        self.constraint = Constraint(gap, at_most, dict(floor or {}), margin)
        if min_examples < 1:
            raise ValueError(
                f"`min_examples` must be at least 1. Received: {min_examples!r}."
            )
        self.from_logits = from_logits
        self.min_examples = min_examples
        self._fitted: _Fitted | None = None

    @property
    def common_threshold(self) -> float:
        """Of the unmended model, and of examples without a known group."""
        return 0.0 if self.from_logits else 0.5

    @property
    def thresholds(self) -> dict[GroupValue, float]:
        """Group -> threshold; class 1 is a score strictly above it."""
        return self._state().thresholds

    @property
    def outcome(self) -> Outcome:
        """What changed on the fitted examples."""
        return self._state().outcome

    def fit(
        self, scores: Any, labels: Any, groups: Any, *, sample_weight: Any = None
    ) -> Self:
        """Chooses the thresholds.

        Args:
          scores: of class 1, `[examples]`, or of both classes, `[examples, 2]`:
            probabilities or logits, as `from_logits` says.
          labels: 0 or 1, `[examples]`.
          groups: strings or integers, `[examples]`; None and NaN are missing, and
            such examples keep the common threshold.
          sample_weight: finite, not negative, `[examples]`; None for ones.

        Returns:
          Itself.

        Raises:
          ValueError: if arrays do not fit together, there are fewer than two groups,
            a group is too small for what is asked (the message has the number that
            is needed), or nothing fulfils it (it has the smallest gap that can be
            reached).
        """
        scores = class_one_scores(scores, self.from_logits)
        labels = binary_labels(labels, len(scores))
        weights = check_weights(sample_weight, len(scores))
        names, codes = encode_groups("groups", groups)
        check_length("groups", codes, len(scores))
        codes = np.where(weights > 0, codes, -1)  # Weight 0 is absent.
        units, inside = self._units(names, codes, labels)
        curves = [curve(scores[i], labels[i], weights[i]) for i in inside]
        thresholds: dict[GroupValue, float]
        thresholds = dict.fromkeys(names, self.common_threshold)
        search = Search(self.constraint, curves)
        cuts, kept_free = self._choose(search, units, curves)
        for unit, points, cut in zip(units.units, curves, cuts, strict=True):
            if cut != points.cut(self.common_threshold):
                chosen = float(points.thresholds[cut])
                thresholds.update(dict.fromkeys(unit, chosen))
        changed = before_and_after(
            labels,
            (scores > self.common_threshold).astype(np.int64),
            self._decide(scores, names, codes, thresholds),
            np.array([*names, None], object)[codes],
            units.of_each(names, codes),
            weights,
            self.constraint,
        )
        outcome = Outcome(
            constraint=self.constraint,
            kept_free=kept_free,
            shared=units.shared,
            unchanged=units.unchanged,
            **changed,
        )
        self._fitted = _Fitted(thresholds, outcome, search)
        return self

    def _units(
        self, names: Sequence[GroupValue], codes: np.ndarray, labels: np.ndarray
    ) -> tuple[Units, list[np.ndarray]]:
        """The units, and which examples belong to each."""
        negatives = np.bincount(codes[(codes >= 0) & (labels == 0)], None, len(names))
        positives = np.bincount(codes[(codes >= 0) & (labels == 1)], None, len(names))
        counted = [
            self.constraint.counted(pair)
            for pair in zip(negatives.tolist(), positives.tolist(), strict=True)
        ]
        units = unite(names, np.array(counted, np.int64), self.min_examples)
        least = 2 if self.constraint.gap else 1
        if len(units.units) < least:
            sizes = dict(zip(map(str, names), counted, strict=True))
            raise ValueError(
                f"`groups` must have at least {least} groups with {self.min_examples} "
                f"or more examples that count. Received: {sizes}. Choose another "
                "attribute, collect more examples or lower min_examples."
            )
        index = {group: i for i, group in enumerate(names)}
        return units, [
            np.isin(codes, [index[group] for group in unit]) for unit in units.units
        ]

    def _choose(
        self, search: Search, units: Units, curves: Sequence[Curve]
    ) -> tuple[np.ndarray, float]:
        """A cut per unit, and what of `at_most` was kept free."""
        titles = [units.title(i) for i in range(len(curves))]
        check_floors(self.constraint, titles, curves)
        before = [points.cut(self.common_threshold) for points in curves]
        widths = free_widths(self.constraint, titles, curves, before)
        cuts = search.at_most(widths)
        at_most = self.constraint.at_most
        if cuts is not None and at_most is None:
            return cuts, 0.0
        kept = (at_most or 0) - min(widths)
        if cuts is None:
            raise ValueError(
                f"`at_most` cannot be reached together with the floors. Received: "
                f"{at_most}; the smallest gap that can be held is "
                f"{search.least_gap() + kept:.3f}. Allow it or lower the floors."
            )
        return search.smallest_gap(cuts, widths), kept

    def _decide(
        self,
        scores: np.ndarray,
        names: Sequence[GroupValue],
        codes: np.ndarray,
        thresholds: Mapping[GroupValue, float],
    ) -> np.ndarray:
        common = self.common_threshold
        of_groups = np.array([*(thresholds.get(n, common) for n in names), common])
        return (scores > of_groups[codes]).astype(np.int64)

    def _state(self) -> "_Fitted":
        if self._fitted is None:
            raise ValueError(
                "The thresholds are not there yet. Received: GroupThresholds without "
                "examples. Call fit() first."
            )
        return self._fitted

    def predict(self, scores: Any, groups: Any) -> np.ndarray:
        """Hard classes.

        Args:
          scores: as in `fit`.
          groups: as in `fit`; a missing group, and one that was not fitted, has the
            common threshold.

        Returns:
          0 or 1, int64 `[examples]`.
        """
        scores = class_one_scores(scores, self.from_logits)
        names, codes = encode_groups("groups", groups)
        check_length("groups", codes, len(scores))
        return self._decide(scores, names, codes, self.thresholds)

    def frontier(self) -> dict[str, np.ndarray]:
        """Error against gap on the fitted examples, by falling gap.

        Returns:
          "gap" and "accuracy" of the examples whose groups the constraint holds for,
          `[points]` each, without the margin; no thresholds beat a point in both.

        Raises:
          ValueError: if only floors were asked for.
        """
        search = self._state().search
        if self.constraint.gap is None:
            raise ValueError(
                "`gap` is needed for a frontier. Received: None. Pass one to "
                "GroupThresholds, with at_most=1 for no constraint."
            )
        choices = search.frontier()
        errors = np.array([search.error(cuts) for cuts in choices])
        gaps = np.array([search.gap(cuts) for cuts in choices])
        return {"gap": gaps, "accuracy": 1 - errors / search.total}

    def describe(self) -> dict[str, Any]:
        """What was done, for a model card: JSON."""
        return {
            "method": "thresholds per group",
            "reads_group": True,
            "thresholds": {
                str(group): value if math.isfinite(value) else str(value)
                for group, value in self.thresholds.items()
            },
            "common_threshold": self.common_threshold,
            "from_logits": self.from_logits,
            "min_examples": self.min_examples,
            **self.outcome.to_dict(),
        }

    def __str__(self) -> str:
        return str(self.outcome) if self._fitted else repr(self)

    def _repr_html_(self) -> str:
        return self.outcome._repr_html_()
