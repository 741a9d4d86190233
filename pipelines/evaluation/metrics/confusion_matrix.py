"""Accuracy and the confusion matrix of hard predictions, as TFMA metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import (
    metric_types,
    metric_util,
)
from tensorflow_model_analysis.metrics import (
    multi_class_confusion_matrix_metrics as matrices,
)

from pipelines.evaluation.metrics.combiners import confusion


class Accuracy(metric_types.Metric):
    """Share of examples whose most probable class is the label.

    Args:
      num_classes: number of classes.
      name: name of the metric.
    """

    def __init__(self, num_classes: int, name: str = "accuracy"):
        super().__init__(
            metric_util.merge_per_key_computations(_accuracy),
            num_classes=num_classes,
            name=name,
        )


class ConfusionMatrix(metric_types.Metric):
    """Examples per label and most probable class.

    The value is that of TFMA's MultiClassConfusionMatrixAtThresholds at threshold 0,
    which its views can draw.

    Args:
      num_classes: number of classes.
      name: name of the metric.
    """

    def __init__(
        self,
        num_classes: int,
        name: str = matrices.MULTI_CLASS_CONFUSION_MATRIX_AT_THRESHOLDS_NAME,
    ):
        super().__init__(
            metric_util.merge_per_key_computations(_confusion_matrix),
            num_classes=num_classes,
            name=name,
        )

    @property
    def compute_confidence_interval(self) -> bool:
        return False


def _accuracy(
    num_classes: int,
    name: str,
    model_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    counts = confusion(num_classes, model_name, example_weighted)
    key = metric_types.MetricKey(
        name, model_name=model_name, example_weighted=example_weighted
    )

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict:
        (matrix,) = metrics[counts.keys[0]]
        return {key: np.trace(matrix) / (matrix.sum() or np.nan)}

    return [counts, metric_types.DerivedMetricComputation([key], result)]


def _confusion_matrix(
    num_classes: int,
    name: str,
    model_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    counts = confusion(num_classes, model_name, example_weighted)
    key = metric_types.MetricKey(
        name, model_name=model_name, example_weighted=example_weighted
    )

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict:
        (matrix,) = metrics[counts.keys[0]]
        cells = zip(*np.nonzero(matrix), strict=True)
        entries = {
            matrices.MatrixEntryKey(int(label), int(prediction)): float(
                matrix[label, prediction]
            )
            for label, prediction in cells
        }
        return {key: matrices.Matrices({0.0: entries})}

    return [counts, metric_types.DerivedMetricComputation([key], result)]
