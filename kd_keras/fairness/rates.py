"""Rates of groups, all from one-vs-rest confusion counts."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.confusion import Confusion, confusions, correctness
from kd_keras.fairness.encoding import Group, sum_cells
from kd_keras.fairness.intervals import Interval, wilson
from kd_keras.fairness.prediction_counts import PredictionCounts
from kd_keras.table import Table, number

# Name -> (numerator, denominator), each `[..., groups, classes]`.
RATES: Mapping[str, Callable[[Confusion], tuple[np.ndarray, np.ndarray]]] = {
    # Of correctness(), whose one pseudo class holds right and wrong examples.
    "accuracy": lambda c: (c.tp, c.total),
    "selection_rate": lambda c: (c.selected, c.total),
    "true_positive_rate": lambda c: (c.tp, c.positives),
    "false_positive_rate": lambda c: (c.fp, c.negatives),
    "true_negative_rate": lambda c: (c.tn, c.negatives),
    "false_negative_rate": lambda c: (c.fn, c.positives),
    "precision": lambda c: (c.tp, c.selected),
    "base_rate": lambda c: (c.positives, c.total),
}
# Those whose denominator a model makes: two models of the same examples have others.
OF_PREDICTIONS = frozenset({"precision"})


@dataclasses.dataclass(frozen=True)
class GroupRates:
    """One rate of every group of an attribute.

    Attributes:
      name: name of the rate.
      overall: rate of all examples, those without a group included.
      by_group: group -> rate in [0, 1]; NaN where no example is in the denominator.
      examples: group -> number of examples in the denominator, without weights.
      effective_examples: group -> (sum of weights)^2 / (sum of squared weights) of
        the denominator (Kish 1965); equal to `examples` without weights.
      undefined: the groups whose rate is NaN.
    """

    name: str
    overall: float
    by_group: dict[Group, float]
    examples: dict[Group, int]
    effective_examples: dict[Group, float]

    @property
    def undefined(self) -> tuple[Group, ...]:
        return tuple(group for group, n in self.examples.items() if n == 0)

    def _repr_html_(self) -> str:
        title = f"{self.name.replace('_', ' ')}, overall {number(self.overall)}"
        rows = [
            (str(group), str(interval), str(self.examples[group]))
            for group, interval in self.intervals().items()
        ]
        columns = ("group", "rate, with 95 % interval", "examples")
        return Table(title, columns, rows).html()

    def intervals(self, level: float = 0.95) -> dict[Group, Interval]:
        """Returns the Wilson score interval of each group's rate."""
        rates = np.array(list(self.by_group.values()))
        trials = np.array(list(self.effective_examples.values()))
        low, high = wilson(rates * trials, trials, level=level)
        return {
            group: Interval(float(rates[i]), float(low[i]), float(high[i]), level)
            for i, group in enumerate(self.by_group)
        }


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Returns numerator / denominator, NaN where the denominator is 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    undefined = np.full(shape, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)


def _fraction(counts, name, index, num_groups) -> tuple[np.ndarray, np.ndarray]:
    if name == "accuracy":
        block = correctness(counts, index, num_groups)
    else:
        (block,) = confusions(counts, index, num_groups)
    numerator, denominator = RATES[name](block)
    return numerator[..., 0], denominator[..., 0]


def _group_rates(counts: PredictionCounts, name: str, attribute) -> GroupRates:
    if counts.num_classes > 2 and name != "accuracy":
        raise ValueError(
            f"{name}() needs a positive class, and there are {counts.num_classes} "
            f"classes. Call one_vs_rest(positive_class).{name}()."
        )
    groups, index = counts.attribute_index(attribute)

    def fraction(weights):
        weighted = dataclasses.replace(counts, weights=weights)
        return _fraction(weighted, name, index, len(groups))

    def by_group(values):
        return dict(zip(groups, values.tolist(), strict=True))

    numerator, denominator = fraction(counts.weights)
    squares = fraction(counts.weights**2)[1]
    examples = fraction(np.ones_like(counts.weights))[1].astype(np.int64)
    overall = divide(*_fraction(counts, name, np.zeros_like(index), 1))
    return GroupRates(
        name,
        float(overall[0]),
        by_group(divide(numerator, denominator)),
        by_group(examples),
        by_group(np.nan_to_num(divide(denominator**2, squares))),
    )


def accuracy(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(prediction = label) by group, for any number of classes."""
    return _group_rates(counts, "accuracy", attribute)


def selection_rate(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(prediction = 1) by group; two classes."""
    return _group_rates(counts, "selection_rate", attribute)


def true_positive_rate(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(prediction = 1 | label = 1) by group; two classes."""
    return _group_rates(counts, "true_positive_rate", attribute)


def false_positive_rate(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(prediction = 1 | label = 0) by group; two classes."""
    return _group_rates(counts, "false_positive_rate", attribute)


def true_negative_rate(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(prediction = 0 | label = 0) by group; two classes."""
    return _group_rates(counts, "true_negative_rate", attribute)


def false_negative_rate(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(prediction = 0 | label = 1) by group; two classes."""
    return _group_rates(counts, "false_negative_rate", attribute)


def precision(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(label = 1 | prediction = 1) by group; two classes."""
    return _group_rates(counts, "precision", attribute)


def base_rate(
    counts: PredictionCounts, attribute: Attribute | None = None
) -> GroupRates:
    """P(label = 1) by group; two classes."""
    return _group_rates(counts, "base_rate", attribute)


def class_accuracy(counts: PredictionCounts) -> np.ndarray:
    """P(prediction = label | label = class), `[..., classes]`, NaN without examples."""
    right = np.where(counts.label == counts.prediction, counts.label, -1)
    correct = sum_cells(counts.mass, right, counts.num_classes)
    return divide(correct, sum_cells(counts.mass, counts.label, counts.num_classes))
