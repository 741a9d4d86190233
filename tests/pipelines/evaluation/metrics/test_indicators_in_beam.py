"""The metrics against TFMA's own, scikit-learn and hand-made cases."""

import json

import numpy as np
import pytest
from tensorflow_model_analysis.proto import config_pb2
from tfma_metrics import compute

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
