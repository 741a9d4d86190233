"""GroupThresholds: one threshold per group, chosen so that no group is harmed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import scipy.special

from kd_keras.fairness.encoding import GroupValue, check_weights
from kd_keras.mitigation.curves import Curve, curve
from kd_keras.mitigation.mended import Mended
from kd_keras.mitigation.refusal import check_floors, free_widths
from kd_keras.mitigation.scores import binary_labels, class_one_scores
from kd_keras.mitigation.search import Search
from kd_keras.mitigation.served import Encoded, encode, encode_served, in_order
from kd_keras.mitigation.units import Units


class GroupThresholds(Mended):
    """Thresholds of least error whose gap is small, or that reach a floor.

    ```python
    from kd_keras.mitigation import GroupThresholds

    mended = GroupThresholds(
        floor={"true_positive_rate": 0.6}, margin=0, min_examples=1
    )
    mended.fit(
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
        margin: float = 2.0,
        min_examples: int = 50,
    ):
        super().__init__(gap, at_most, floor, margin, min_examples)
        self.from_logits = from_logits
        self._thresholds: dict[GroupValue, float] = {}
        self._exact: Search | None = None

    @property
    def common_threshold(self) -> float:
        """Of the unmended model, and of examples without a known group."""
        return 0.0 if self.from_logits else 0.5

    @property
    def thresholds(self) -> dict[GroupValue, float]:
        """Group -> threshold; class 1 is a score strictly above it."""
        return self._thresholds

    def fit(
        self,
        scores: Any,
        labels: Any,
        groups: Any,
        *,
        inferred: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Chooses the thresholds.

        Args:
          scores: of class 1, `[examples]`, or of both classes, `[examples, 2]`:
            probabilities or logits, as `from_logits` says.
          labels: 0 or 1, `[examples]`.
          groups: strings or integers, `[examples]`; None and NaN are missing, and
            such examples keep the common threshold. -1 beside integers from 0 on is
            refused, for it may be a group or a missing one.
          inferred: the group that a model tells of each example, `[examples]`, where
            the true one is not known when the model is served. The thresholds are of
            these, the constraint holds for `groups`; they are found by search along
            one threshold at a time, and there may be better ones.
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
        true = encode("groups", groups, weights)
        units = self._units(true, labels, 2)
        common = self.common_threshold
        if inferred is None:
            told = true
            values, kept = self._fit_exactly(scores, labels, weights, true, units)
        else:
            told = encode("inferred", inferred, weights)
            logits = np.zeros((len(scores), 2))
            logits[:, 1] = scores - common
            offsets, kept = self._search(
                logits, labels, weights, told.codes, len(told.names), true, units
            )
            found = common - (offsets[:, 1] - offsets[:, 0])
            values = dict(zip(told.names, found.tolist(), strict=True))
            self._exact = None
        self._thresholds, self._reads_group = values, inferred is None
        before = (scores > common).astype(np.int64)
        after = self._decide(scores, told)
        self._report(labels, before, after, true, units, weights, kept, 2)
        return self

    def _fit_exactly(
        self,
        scores: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray,
        groups: Encoded,
        units: Units,
    ) -> tuple[dict[GroupValue, float], float]:
        """Thresholds of known groups, and what of `at_most` is kept free."""
        unit = units.index(groups)
        inside = [unit == i for i in range(len(units.units))]
        curves = [curve(scores[i], labels[i], weights[i]) for i in inside]
        self._exact = Search(self.constraint, curves)
        cuts, kept = self._choose(self._exact, units, curves)
        thresholds: dict[GroupValue, float]
        thresholds = dict.fromkeys(groups.names, self.common_threshold)
        for members, points, cut in zip(units.units, curves, cuts, strict=True):
            if cut != points.cut(self.common_threshold):
                chosen = float(points.thresholds[cut])
                thresholds.update(dict.fromkeys(members, chosen))
        return thresholds, kept

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

    def _decide(self, scores: np.ndarray, groups: Encoded) -> np.ndarray:
        common = self.common_threshold
        of_groups = [self._thresholds.get(name, common) for name in groups.names]
        return (scores > np.array([*of_groups, common])[groups.codes]).astype(np.int64)

    def predict(self, scores: Any, groups: Any) -> np.ndarray:
        """Hard classes.

        Args:
          scores: as in `fit`.
          groups: as in `fit`, or as `inferred` if there was such; a missing group, and
            one that was not fitted, has the common threshold.

        Returns:
          0 or 1, int64 `[examples]`.
        """
        scores = class_one_scores(scores, self.from_logits)
        _ = self.outcome  # It is fitted.
        return self._decide(scores, encode_served(groups, len(scores)))

    def _offsets_in_order(
        self, group_names: Sequence[str] | None
    ) -> list[Sequence[float]]:
        common = self.common_threshold
        ordered = in_order(self.thresholds, group_names, common)
        return [[-self._as_logit(threshold)] for threshold in ordered]

    def _as_logit(self, threshold: float) -> float:
        if self.from_logits:
            return threshold
        return float(scipy.special.logit(min(max(threshold, 0.0), 1.0)))

    def frontier(self) -> dict[str, np.ndarray]:
        """Error against gap on the fitted examples, by falling gap.

        Returns:
          "gap" and "accuracy" of the examples whose groups the constraint holds for,
          `[points]` each, without the margin; no thresholds beat a point in both.

        Raises:
          ValueError: if only floors were asked for, or groups were inferred.
        """
        _ = self.outcome  # It is fitted.
        search = self._exact
        if self.constraint.gap is None or search is None:
            raise ValueError(
                "A frontier needs `gap`, and known groups. Received: "
                f"gap={self.constraint.gap!r}, inferred groups: {search is None}. Pass "
                "a gap to GroupThresholds, with at_most=1 for no constraint."
            )
        choices = search.frontier()
        errors = np.array([search.error(cuts) for cuts in choices])
        gaps = np.array([search.gap(cuts) for cuts in choices])
        return {"gap": gaps, "accuracy": 1 - errors / search.total}

    def _described(self) -> dict[str, Any]:
        return {
            "thresholds": {
                str(group): value if math.isfinite(value) else str(value)
                for group, value in self.thresholds.items()
            },
            "common_threshold": self.common_threshold,
            "from_logits": self.from_logits,
        }
