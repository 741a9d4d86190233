"""Beam combiners that sum arrays over examples."""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

from pipelines.evaluation.metrics.outputs import ModelOutput, ModelOutputPreprocessor

Arrays = tuple[np.ndarray, ...]


class SumCombineFn(beam.CombineFn):
    """Sums arrays; subclasses add one example.

    Args:
      key: private key under which derived metrics find the sums.
      shapes: shapes of the arrays.
    """

    def __init__(self, key: metric_types.MetricKey, shapes: Sequence[tuple[int, ...]]):
        self.key = key
        self.shapes = tuple(shapes)

    def create_accumulator(self) -> Arrays:
        return tuple(np.zeros(shape) for shape in self.shapes)

    def merge_accumulators(self, accumulators: Iterable[Arrays]) -> Arrays:
        # New arrays: the jackknife merges one accumulator into several samples.
        return functools.reduce(
            lambda left, right: tuple(map(np.add, left, right)),
            accumulators,
            self.create_accumulator(),
        )

    def extract_output(self, accumulator: Arrays) -> dict:
        return {self.key: accumulator}


class ConfusionCombineFn(SumCombineFn):
    """Sums the weights `[label, prediction]`."""

    def add_input(self, accumulator: Arrays, element: ModelOutput) -> Arrays:
        (matrix,) = accumulator
        matrix[element.label, element.prediction] += element.weight
        return accumulator


class ThresholdCombineFn(SumCombineFn):
    """Sums the weights over each threshold: of all `[thresholds, classes]`, and of
    the examples of the class `[thresholds, classes]`."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        thresholds: Sequence[float],
        num_classes: int,
    ):
        super().__init__(key, [(len(thresholds), num_classes)] * 2)
        self.thresholds = np.array(thresholds)[:, np.newaxis]

    def add_input(self, accumulator: Arrays, element: ModelOutput) -> Arrays:
        selected, true_positive = accumulator
        over = element.weight * (element.probabilities > self.thresholds)
        selected += over
        true_positive[:, element.label] += over[:, element.label]
        return accumulator


def confusion(
    num_classes: int, model_name: str, example_weighted: bool
) -> metric_types.MetricComputation:
    """The confusion matrix of hard predictions, shared by the metrics that need it."""
    key = _private_key("confusion", model_name, example_weighted, classes=num_classes)
    return metric_types.MetricComputation(
        keys=[key],
        preprocessors=[
            ModelOutputPreprocessor(model_name, example_weighted=example_weighted)
        ],
        combiner=ConfusionCombineFn(key, [(num_classes, num_classes)]),
    )


def over_thresholds(
    thresholds: Sequence[float],
    num_classes: int,
    model_name: str,
    example_weighted: bool,
) -> metric_types.MetricComputation:
    """The examples whose probability is over each threshold, for each class."""
    key = _private_key(
        "over_thresholds",
        model_name,
        example_weighted,
        classes=num_classes,
        thresholds=list(thresholds),
    )
    return metric_types.MetricComputation(
        keys=[key],
        preprocessors=[
            ModelOutputPreprocessor(model_name, example_weighted=example_weighted)
        ],
        combiner=ThresholdCombineFn(key, thresholds, num_classes),
    )


def _private_key(
    name: str, model_name: str, example_weighted: bool, **arguments: Any
) -> metric_types.MetricKey:
    return metric_types.MetricKey(
        name=metric_util.generate_private_name_from_arguments(name, **arguments),
        model_name=model_name,
        example_weighted=example_weighted,
    )
