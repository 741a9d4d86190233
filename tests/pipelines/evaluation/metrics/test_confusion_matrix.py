"""Accuracy and confusion matrix against scikit-learn, with unequal weights."""

import numpy as np
import pytest
import sklearn.metrics
from in_memory import compute, extracts
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.metrics import (
    multi_class_confusion_matrix_metrics as matrices,
)

from pipelines.evaluation.metrics.combiners import SumCombineFn
from pipelines.evaluation.metrics.confusion_matrix import Accuracy, ConfusionMatrix

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 40)
SCORES = RNG.dirichlet(np.ones(3), 40)
OTHER = RNG.dirichlet(np.ones(3), 40)
WEIGHTS = RNG.integers(0, 5, 40) / 4


@pytest.mark.parametrize("weighted", [False, True])
def test_accuracy_is_scikit_learns(weighted):
    rows = extracts(LABELS, {"a": SCORES, "b": OTHER}, weights=WEIGHTS)
    found = compute(
        Accuracy(3), rows, model_names=["a", "b"], example_weighted=weighted
    )
    assert found == {
        metric_types.MetricKey(
            "accuracy", model_name=name, example_weighted=weighted
        ): pytest.approx(
            sklearn.metrics.accuracy_score(
                LABELS, p.argmax(axis=1), sample_weight=WEIGHTS if weighted else None
            )
        )
        for name, p in {"a": SCORES, "b": OTHER}.items()
    }


def test_without_examples_there_is_no_accuracy():
    (value,) = compute(Accuracy(3, name="acc"), [], model_names=["a"]).values()
    assert np.isnan(value)
    (key,) = compute(Accuracy(3, name="acc"), [], model_names=["a"])
    assert key.name == "acc"


@pytest.mark.parametrize("weighted", [False, True])
def test_confusion_matrix_is_scikit_learns(weighted):
    rows = extracts(LABELS, {"a": SCORES, "b": OTHER}, weights=WEIGHTS)
    found = compute(
        ConfusionMatrix(3), rows, model_names=["b"], example_weighted=weighted
    )
    ((key, value),) = found.items()
    name = matrices.MULTI_CLASS_CONFUSION_MATRIX_AT_THRESHOLDS_NAME
    assert (key.name, key.model_name) == (name, "b")
    assert key.example_weighted == weighted
    assert list(value) == [0.0]
    expected = sklearn.metrics.confusion_matrix(
        LABELS, OTHER.argmax(axis=1), sample_weight=WEIGHTS if weighted else None
    )
    cells = value[0.0]
    matrix = np.zeros((3, 3))
    for cell, weight in cells.items():
        matrix[cell.actual_class_id, cell.predicted_class_id] = weight
    np.testing.assert_allclose(matrix, expected)
    assert len(cells) == np.count_nonzero(expected)  # Empty cells are left out.
    assert not np.array_equal(expected, expected.T)


def test_a_matrix_has_no_interval_and_an_accuracy_has_one():
    assert ConfusionMatrix(3).compute_confidence_interval is False
    assert Accuracy(3).compute_confidence_interval


def test_metrics_of_the_same_counts_share_them():
    accuracy, matrix = (
        metric.computations(model_names=["a"], example_weighted=True)[0]
        for metric in (Accuracy(3), ConfusionMatrix(3))
    )
    assert accuracy.keys == matrix.keys
    (other,) = (
        Accuracy(4).computations(model_names=["a"], example_weighted=True)[0].keys
    )
    assert other != accuracy.keys[0]
    assert (accuracy.keys[0].model_name, accuracy.keys[0].example_weighted) == (
        *("a", True),
    )


def test_merging_changes_no_accumulator():
    combiner = SumCombineFn(metric_types.MetricKey("k"), [(2,), (1, 2)])
    one, two = (np.ones(2), np.ones((1, 2))), (np.full(2, 2.0), np.full((1, 2), 3.0))
    merged = combiner.merge_accumulators(iter([one, two]))
    np.testing.assert_array_equal(merged[0], [3, 3])
    np.testing.assert_array_equal(merged[1], [[4, 4]])
    np.testing.assert_array_equal(one[0], [1, 1])
    assert combiner.merge_accumulators([])[1].shape == (1, 2)
