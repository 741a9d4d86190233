"""Counts of one model's predictions, and of two models', without statistics."""

from typing import Self, TypeVar

import numpy as np

from kd_keras.fairness.cell_counts import CellCounts


class PredictionCounts(CellCounts):
    """Examples per (groups, label, prediction); see CellCounts for the fields."""

    columns = ("label", "prediction")

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, groups, sample_weight=None, num_classes=None
    ) -> Self:
        """Counts examples.

        Args:
          y_true: label of each example, class indices `[examples]`.
          y_pred: hard prediction, class indices `[examples]`.
          groups: attribute name -> group of each example, `[examples]`, all strings
            or all integers. None, NaN and pandas' NA are missing: such an example
            counts in overall rates and in other attributes, and belongs to no group.
            -1 beside integers from 0 on is refused, for it may be a group or a missing
            one; the integers -1 and 1 alone are two groups.
          sample_weight: finite, not negative, `[examples]`; None for ones. An
            example of weight 0 is absent.
          num_classes: at least 2; None for the highest class found plus one. Pass
            it where batches are merged, since some may lack the highest class.
            With two classes, class 1 is the positive one; with more, gaps are
            means of one-vs-rest gaps.

        Raises:
          TypeError: if group values are of mixed or other types.
          ValueError: if lengths differ, a class or weight is out of its domain, or -1
            may be a missing group.
        """
        columns = {"y_true": y_true, "y_pred": y_pred}
        return cls.from_columns(columns, groups, sample_weight, num_classes)

    @property
    def label(self) -> np.ndarray:
        """Label of each cell, int64 `[cells]`."""
        return self._column("label")

    @property
    def prediction(self) -> np.ndarray:
        """Prediction of each cell, int64 `[cells]`."""
        return self._column("prediction")

    def one_vs_rest(self, positive_class: int) -> Self:
        """Returns two-class counts in which `positive_class` is class 1."""
        if not 0 <= positive_class < self.num_classes:
            raise ValueError(
                f"`positive_class` must lie in 0 to {self.num_classes - 1}. Received: "
                f"{positive_class}."
            )
        rows = self.cells.copy()
        rows[:, -2:] = rows[:, -2:] == positive_class
        return self._aggregated(self.groups, 2, rows, self.weights, self.counts)


Counts = TypeVar("Counts", bound=PredictionCounts)


class PredictionPairCounts(CellCounts):
    """Examples per (groups, label, prediction of a, prediction of b)."""

    columns = ("label", "prediction_a", "prediction_b")

    @classmethod
    def from_predictions(
        cls, y_true, y_pred_a, y_pred_b, *, groups, sample_weight=None, num_classes=None
    ) -> Self:
        """Counts examples.

        Args:
          y_true: label of each example, class indices `[examples]`.
          y_pred_a: hard predictions of model a, `[examples]`.
          y_pred_b: hard predictions of model b on the same examples, `[examples]`.
          groups, sample_weight, num_classes: as in GroupCounts.from_predictions.

        Raises:
          TypeError: if group values are of mixed or other types.
          ValueError: if lengths differ, a class or weight is out of its domain, or -1
            may be a missing group.
        """
        columns = {"y_true": y_true, "y_pred_a": y_pred_a, "y_pred_b": y_pred_b}
        return cls.from_columns(columns, groups, sample_weight, num_classes)

    @property
    def a(self) -> PredictionCounts:
        """Counts of model a."""
        return self._model(PredictionCounts, dropped=-1)

    @property
    def b(self) -> PredictionCounts:
        """Counts of model b."""
        return self._model(PredictionCounts, dropped=-2)

    def _model(self, kind: type[Counts], dropped: int) -> Counts:
        rows = np.delete(self.cells, dropped, axis=1)
        return kind._aggregated(
            self.groups, self.num_classes, rows, self.weights, self.counts
        )

    @property
    def label(self) -> np.ndarray:
        """Label of each cell, int64 `[cells]`."""
        return self._column("label")

    @property
    def prediction_a(self) -> np.ndarray:
        """Prediction of model a in each cell, int64 `[cells]`."""
        return self._column("prediction_a")

    @property
    def prediction_b(self) -> np.ndarray:
        """Prediction of model b in each cell, int64 `[cells]`."""
        return self._column("prediction_b")
