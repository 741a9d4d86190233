"""Beam combiners that accumulate kd_keras.fairness' counts."""

import abc
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import apache_beam as beam
from tensorflow_model_analysis.metrics import metric_types

from kd_keras.fairness import GroupCounts, PairedCounts
from kd_keras.fairness.cell_counts import CellCounts
from pipelines.evaluation.metrics.outputs import ModelOutput

Counts = TypeVar("Counts", bound=CellCounts)

MAX_WAITING = 1000  # Examples that wait to be counted, and counts to be merged.


class Accumulator(NamedTuple, Generic[Counts]):
    """Counts to be merged, and examples to be counted: both are cheap in bulk only."""

    counts: list[Counts]
    examples: list[tuple]


class CountsCombineFn(beam.CombineFn, Generic[Counts]):
    """Accumulates counts; subclasses count a batch of examples.

    Args:
      key: private key under which derived metrics find the counts.
      num_classes: number of classes.
    """

    def __init__(self, key: metric_types.MetricKey, num_classes: int):
        self.key = key
        self.num_classes = num_classes

    @abc.abstractmethod
    def example(self, element: Any) -> tuple:
        """What is counted of an example."""

    @abc.abstractmethod
    def count(self, examples: list[tuple]) -> Counts:
        """Counts examples, none included."""

    def create_accumulator(self) -> Accumulator[Counts]:
        return Accumulator([], [])

    def add_input(
        self, accumulator: Accumulator[Counts], element: Any
    ) -> Accumulator[Counts]:
        accumulator.examples.append(self.example(element))
        return self._bounded(accumulator)

    def merge_accumulators(
        self, accumulators: Iterable[Accumulator[Counts]]
    ) -> Accumulator[Counts]:
        # A new one: the jackknife merges one accumulator into several samples.
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.counts.extend(accumulator.counts)
            merged.examples.extend(accumulator.examples)
            merged = self._bounded(merged)
        return merged

    def extract_output(self, accumulator: Accumulator[Counts]) -> dict:
        return {self.key: self._total(accumulator)}

    def _bounded(self, accumulator: Accumulator[Counts]) -> Accumulator[Counts]:
        if max(len(accumulator.counts), len(accumulator.examples)) < MAX_WAITING:
            return accumulator
        return Accumulator([self._total(accumulator)], [])

    def _total(self, accumulator: Accumulator[Counts]) -> Counts:
        counted = self.count(accumulator.examples)
        if not accumulator.counts:
            return counted
        return type(counted).merge([*accumulator.counts, counted])


class GroupCountsCombineFn(CountsCombineFn[GroupCounts]):
    """Accumulates the GroupCounts of one model and some attributes.

    Args:
      key: private key of the counts.
      num_classes: number of classes.
      attributes: the sensitive attributes, in the order of the examples' groups.
      threshold: of two classes, predicts class 1 where its probability is over it;
        None predicts the most probable class.
    """

    def __init__(
        self,
        key: metric_types.MetricKey,
        num_classes: int,
        attributes: Sequence[str],
        threshold: float | None,
    ):
        super().__init__(key, num_classes)
        self.attributes = tuple(attributes)
        self.threshold = threshold

    def example(self, element: ModelOutput) -> tuple:
        prediction = element.prediction
        if self.threshold is not None:
            prediction = int(element.probabilities[1] > self.threshold)
        return element.label, prediction, element.groups, element.weight

    def count(self, examples: list[tuple]) -> GroupCounts:
        labels, predictions, groups, weights = _columns(examples, 4)
        return GroupCounts.from_predictions(
            labels,
            predictions,
            groups={
                name: [of_example[i] for of_example in groups]
                for i, name in enumerate(self.attributes)
            },
            sample_weight=weights,
            num_classes=self.num_classes,
        )


class PairedCountsCombineFn(CountsCombineFn[PairedCounts]):
    """Accumulates the PairedCounts of a reference (a) and a model (b)."""

    def example(self, element: tuple[ModelOutput, ModelOutput]) -> tuple:
        reference, model = element
        return model.label, reference.prediction, model.prediction, model.weight

    def count(self, examples: list[tuple]) -> PairedCounts:
        labels, reference, model, weights = _columns(examples, 4)
        return PairedCounts.from_predictions(
            labels,
            reference,
            model,
            groups={},
            sample_weight=weights,
            num_classes=self.num_classes,
        )


def _columns(rows: list[tuple], number: int) -> list[list]:
    return [[row[i] for row in rows] for i in range(number)]
