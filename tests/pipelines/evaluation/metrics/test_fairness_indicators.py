"""Rates of every class, without Beam, against scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics
from in_memory import compute, extracts

from pipelines.evaluation.metrics.fairness_indicators import (
    RATES,
    ClassFairnessIndicators,
)

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 60)
SCORES = RNG.dirichlet(np.ones(3), 60)
WEIGHTS = RNG.integers(0, 4, 60) / 4


@pytest.mark.parametrize("weighted", [False, True])
def test_rates_of_hard_predictions_and_thresholds_are_scikit_learns(weighted):
    labels, scores = LABELS, SCORES
    weights = WEIGHTS if weighted else np.ones(60)
    indicator = ClassFairnessIndicators(
        {"0": "zero", "2": ""}, 3, [0.25, 0.5], True, list(RATES), "fi"
    )
    rows = extracts(labels, {"m": scores}, weights=weights)
    found = compute(indicator, rows, model_names=["m"], example_weighted=weighted)
    expected = {}
    for index, name in ((0, "fi/zero"), (2, "fi")):
        chosen = {
            "0.25": scores[:, index] > 0.25,
            "0.5": scores[:, index] > 0.5,
            "argmax": scores.argmax(axis=1) == index,
        }
        for point, predicted in chosen.items():
            matrix = sklearn.metrics.confusion_matrix(
                labels == index, predicted, sample_weight=weights
            )
            (tn, fp), (fn, tp) = matrix
            expected |= {
                f"{name}/{rate}@{point}": value
                for rate, value in {
                    "false_positive_rate": fp / (fp + tn),
                    "false_negative_rate": fn / (tp + fn),
                    "true_positive_rate": tp / (tp + fn),
                    "true_negative_rate": tn / (fp + tn),
                    "positive_rate": (tp + fp) / weights.sum(),
                    "negative_rate": (tn + fn) / weights.sum(),
                    "false_discovery_rate": fp / (tp + fp),
                    "false_omission_rate": fn / (tn + fn),
                    "precision": tp / (tp + fp),
                    "recall": tp / (tp + fn),
                }.items()
            }
    assert {key.name: value for key, value in found.items()} == pytest.approx(
        expected, abs=1e-12
    )
    assert {(k.model_name, k.example_weighted) for k in found} == {("m", weighted)}


def test_what_is_undefined_is_nan_and_what_was_not_asked_for_is_left_out():
    indicator = ClassFairnessIndicators({"1": "one"}, 2, [0.5], False, ["precision"])
    rows = extracts([0, 1], [[0.9, 0.1], [0.5, 0.5]])
    ((key, value),) = compute(indicator, rows).items()
    # A probability at the threshold is not over it.
    assert key.name == "fairness_indicators_metrics/one/precision@0.5"
    assert np.isnan(value)
    (*_, derived) = indicator.computations()
    assert [key.name for key in derived.keys] == [key.name]


def test_counts_are_shared_where_thresholds_and_classes_are_equal():
    def keys(thresholds, classes=3, **options):
        indicator = ClassFairnessIndicators(
            {"0": "zero"}, classes, thresholds, True, ["recall"]
        )
        hard, over, _ = indicator.computations(**options)
        return hard.keys[0], over.keys[0]

    assert keys([0.5]) == keys([0.5])
    assert keys([0.5])[0] == keys([0.4])[0]
    options = {"model_names": ["m"], "example_weighted": True}
    others = [keys([0.5]), keys([0.4]), keys([0.5], 4), keys([0.5], **options)]
    assert len({over for _, over in others}) == 4
    for key in keys([0.5], **options):
        assert (key.model_name, key.example_weighted) == ("m", True)
