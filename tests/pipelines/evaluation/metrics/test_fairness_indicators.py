"""The metrics against TFMA's own, scikit-learn and hand-made cases."""

import json

import in_memory
import numpy as np
import pytest
import sklearn.metrics
from tensorflow_model_analysis.proto import config_pb2
from tfma_metrics import compute

from pipelines.evaluation.metrics.fairness_indicators import ClassFairnessIndicators

RATES = (
    "false_positive_rate",
    "false_negative_rate",
    "true_positive_rate",
    "true_negative_rate",
    "positive_rate",
    "negative_rate",
    "false_discovery_rate",
    "false_omission_rate",
    "precision",
    "recall",
)


def metric(module, class_name, **config):
    return config_pb2.MetricConfig(
        module=module, class_name=class_name, config=json.dumps(config)
    )


def indicators(classes, num_classes, thresholds, *, argmax=False):
    return metric(
        "pipelines.evaluation.metrics.fairness_indicators",
        "ClassFairnessIndicators",
        classes=classes,
        num_classes=num_classes,
        thresholds=thresholds,
        argmax=argmax,
        rates=RATES,
    )


def softmax(rng, examples, classes):
    scores = np.exp(2 * rng.normal(size=(examples, classes)))
    return scores / scores.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def three_classes():
    rng = np.random.default_rng(0)
    return {
        "labels": rng.integers(0, 3, 60),
        "predictions": softmax(rng, 60, 3),
        "weights": rng.integers(0, 4, 60) / 4,
        "features": {"group": rng.choice(["a", "b"], 60).tolist()},
    }


def test_fairness_indicators_equal_upstreams_binarized_ones(three_classes):
    config = config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(example_weight_key="weight")],
        slicing_specs=[{}, {"feature_keys": ["group"]}],
        metrics_specs=[
            {
                "metrics": [
                    indicators({"0": "zero", "1": "one", "2": "two"}, 3, [0.25, 0.5])
                ],
                "example_weights": {"weighted": True},
            },
            {
                "metrics": [
                    metric(
                        "fairness_indicators.fairness_indicators_metrics",
                        "FairnessIndicators",
                        thresholds=[0.25, 0.5],
                    )
                ],
                "binarize": {"class_ids": {"values": [0, 1, 2]}},
                "example_weights": {"weighted": True},
            },
        ],
    )
    found = compute(config, **three_classes)
    assert set(found) == {(), (("group", "a"),), (("group", "b"),)}
    for of_slice in found.values():
        values = of_slice[""]
        for index, name in enumerate(["zero", "one", "two"]):
            for rate in RATES:
                for ours, theirs in (("0.25", "0.25"), ("0.5", "0.50")):
                    np.testing.assert_allclose(
                        values[f"fairness_indicators_metrics/{name}/{rate}@{ours}"],
                        values[f"fairness_indicators_metrics/{rate}@{theirs}[{index}]"],
                        rtol=0,
                        atol=1e-12,
                    )


@pytest.mark.parametrize("weighted", [False, True])
def test_rates_of_hard_predictions_and_thresholds_are_scikit_learns(
    three_classes, weighted
):
    labels, scores = three_classes["labels"], three_classes["predictions"]
    weights = three_classes["weights"] if weighted else np.ones(60)
    indicator = ClassFairnessIndicators(
        {"0": "zero", "2": ""}, 3, [0.25, 0.5], True, list(RATES), "fi"
    )
    rows = in_memory.extracts(labels, {"m": scores}, weights=weights)
    found = in_memory.compute(
        indicator, rows, model_names=["m"], example_weighted=weighted
    )
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
    rows = in_memory.extracts([0, 1], [[0.9, 0.1], [0.5, 0.5]])
    ((key, value),) = in_memory.compute(indicator, rows).items()
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
