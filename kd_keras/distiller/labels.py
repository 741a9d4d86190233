"""A Keras model whose batches may come without labels."""

from typing import Any

import keras

from kd_keras.distiller.batch import attach_masks
from kd_keras.distiller.outputs import split_targets
from kd_keras.keras_internals import is_unbuilt


class LabelOptional(keras.Model):
    """Leaves compiled metrics alone where a batch has no labels."""

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Updates the compiled metrics where there are labels."""
        targets = split_targets(y, sample_weight)
        if targets.labels is None or y_pred is None:
            return self.get_metrics_result()
        attach_masks(y_pred, targets.loss_mask, self)
        return super().compute_metrics(x, targets.labels, y_pred, targets.sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        """Values of all metrics; compiled ones only once they have seen labels."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            if is_unbuilt(metric, self):
                continue
            result = metric.result()
            results.update(
                result if isinstance(result, dict) else {metric.name: result}
            )
        return results
