"""Fairness Indicators of all classes in one pass, where the tab can show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

from pipelines.evaluation.metrics.combiners import confusion, over_thresholds

# The tab knows thresholds only under this prefix.
PREFIX = "fairness_indicators_metrics"
# The threshold's place in the name where the most probable class is predicted.
ARGMAX = "argmax"


class ClassFairnessIndicators(metric_types.Metric):
    """One-vs-rest rates per class, at thresholds and of hard predictions.

    The values are those of `fairness_indicators.FairnessIndicators` binarized by
    `class_ids`: a class is predicted where its probability is over the threshold, and
    an undefined rate is NaN. That metric visits every example once per class and slice
    and gives its values a class id, which the Fairness Indicators tab does not show;
    this one sums all classes at once and puts the class into the name:
    `fairness_indicators_metrics/<class>/<rate>@<threshold>`.

    Args:
      classes: class index (as text, JSON's keys) -> name of the class; the classes to
        report. An empty name leaves the class out of the metric's name.
      num_classes: number of classes.
      thresholds: probabilities in [0, 1].
      argmax: whether to report hard predictions too, as `@argmax`.
      rates: names of the rates, keys of `RATES`.
      name: prefix of the metric's name.
    """

    def __init__(
        self,
        classes: Mapping[str, str],
        num_classes: int,
        thresholds: Sequence[float],
        argmax: bool,
        rates: Sequence[str],
        name: str = PREFIX,
    ):
        super().__init__(
            metric_util.merge_per_key_computations(_indicators),
            classes=classes,
            num_classes=num_classes,
            thresholds=thresholds,
            argmax=argmax,
            rates=rates,
            name=name,
        )


# Rate -> its numerator and denominator, of true and false positives and negatives.
RATES = {
    "true_positive_rate": lambda tp, fp, tn, fn: (tp, tp + fn),
    "false_positive_rate": lambda tp, fp, tn, fn: (fp, fp + tn),
    "true_negative_rate": lambda tp, fp, tn, fn: (tn, fp + tn),
    "false_negative_rate": lambda tp, fp, tn, fn: (fn, tp + fn),
    "positive_rate": lambda tp, fp, tn, fn: (tp + fp, tp + fp + tn + fn),
    "negative_rate": lambda tp, fp, tn, fn: (tn + fn, tp + fp + tn + fn),
    "false_discovery_rate": lambda tp, fp, tn, fn: (fp, tp + fp),
    "false_omission_rate": lambda tp, fp, tn, fn: (fn, tn + fn),
    "precision": lambda tp, fp, tn, fn: (tp, tp + fp),
    "recall": lambda tp, fp, tn, fn: (tp, tp + fn),
}


def _indicators(
    classes: Mapping[str, str],
    num_classes: int,
    thresholds: Sequence[float],
    argmax: bool,
    rates: Sequence[str],
    name: str,
    model_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    hard = confusion(num_classes, model_name, example_weighted)
    over = over_thresholds(thresholds, num_classes, model_name, example_weighted)
    points = [f"{threshold:g}" for threshold in thresholds] + [ARGMAX] * argmax

    def key(class_name: str, rate: str, point: str) -> metric_types.MetricKey:
        parts = [name, class_name, f"{rate}@{point}"]
        return metric_types.MetricKey(
            "/".join(filter(None, parts)),
            model_name=model_name,
            example_weighted=example_weighted,
        )

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict:
        (matrix,) = metrics[hard.keys[0]]
        selected, true_positive = metrics[over.keys[0]]
        if argmax:
            selected = np.vstack([selected, matrix.sum(axis=0)])
            true_positive = np.vstack([true_positive, np.diag(matrix)])
        counts = _counts(selected, true_positive, matrix.sum(axis=1))
        values = {}
        for rate in rates:
            numerator, denominator = RATES[rate](*counts)
            value = numerator / np.where(denominator, denominator, np.nan)
            for index, class_name in classes.items():
                for row, point in enumerate(points):
                    values[key(class_name, rate, point)] = value[row, int(index)]
        return values

    keys = [
        key(class_name, rate, point)
        for rate in rates
        for class_name in classes.values()
        for point in points
    ]
    return [hard, over, metric_types.DerivedMetricComputation(keys, result)]


def _counts(
    selected: np.ndarray, true_positive: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """tp, fp, tn and fn `[thresholds, classes]`, of examples per label `[classes]`."""
    false_positive = selected - true_positive
    false_negative = labels - true_positive
    true_negative = labels.sum() - selected - false_negative
    return true_positive, false_positive, true_negative, false_negative
