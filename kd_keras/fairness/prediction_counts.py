"""Counts of one model's predictions, and of two models', without statistics."""

from typing import ClassVar, Self

import numpy as np

from kd_keras.fairness.cell_counts import CellCounts


class PredictionCounts(CellCounts):
    """Examples per (groups, label, prediction); see CellCounts for the fields."""

    columns = ("label", "prediction")

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


class PredictionPairCounts(CellCounts):
    """Examples per (groups, label, prediction of a, prediction of b)."""

    columns = ("label", "prediction_a", "prediction_b")
    # What `a` and `b` are.
    of_one: ClassVar[type[PredictionCounts]] = PredictionCounts

    @property
    def a(self) -> PredictionCounts:
        """Counts of model a."""
        return self._model(dropped=-1)

    @property
    def b(self) -> PredictionCounts:
        """Counts of model b."""
        return self._model(dropped=-2)

    def _model(self, dropped: int) -> PredictionCounts:
        rows = np.delete(self.cells, dropped, axis=1)
        return self.of_one._aggregated(
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
