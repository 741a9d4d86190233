"""eval_config is a pure function of the spec and the models' names."""

import json

import evaluation_study as study
import pytest
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from pipelines.evaluation.eval_config import eval_config, slices
from pipelines.evaluation.metrics.group_gaps import gap_name


def metrics(config):
    """(class name, its arguments) of each metric."""
    (spec,) = config.metrics_specs
    return [(m.class_name, json.loads(m.config or "{}")) for m in spec.metrics]


def test_slices_are_overall_and_by_attribute_and_label():
    spec = study.binary_dataset().spec
    assert slices(spec) == [(), ("hair",), ("young",), ("smiling_name",)]


def test_models_baseline_and_intervals():
    config = eval_config(
        study.binary_dataset().spec,
        ["teacher/seed0", "student-nds/seed0"],
        baseline="teacher/seed0",
        confidence_intervals=True,
    )
    assert [(m.name, m.is_baseline) for m in config.model_specs] == [
        ("teacher/seed0", True),
        ("student-nds/seed0", False),
    ]
    assert {m.signature_name for m in config.model_specs} == {"serving_default"}
    assert {m.label_key for m in config.model_specs} == {"smiling"}
    assert config.options.compute_confidence_intervals.value
    config_util.verify_eval_config(config, baseline_required=True)


def test_every_attribute_has_its_gaps():
    found = metrics(eval_config(study.binary_dataset().spec, ["teacher/seed0"]))
    arguments = [config for name, config in found if name == "GroupGap"]
    assert [(config["attribute"], config["gap"]) for config in arguments] == [
        (attribute, f"{gap}_difference")
        for attribute in ("hair", "young")
        for gap in ("demographic_parity", "equalized_odds")
    ]


@pytest.mark.parametrize("dataset", ["binary", "tiny"])
def test_indicators_per_class_or_of_the_positive_one(dataset, tiny_dataset):
    spec = (study.binary_dataset() if dataset == "binary" else tiny_dataset).spec
    indicators = dict(metrics(eval_config(spec, ["m"])))["ClassFairnessIndicators"]
    expected = {
        "binary": {"1": ""},
        "tiny": {"0": "red", "1": "green", "2": "blue"},
    }
    assert indicators["classes"] == expected[dataset]


def test_crossings_are_sliced_and_have_gaps_where_they_are_asked_for():
    spec, crossing = study.binary_dataset().spec, ("hair", "young")
    assert slices(spec, [crossing])[-1] == crossing
    config = eval_config(spec, ["teacher/seed0"], crossings=[crossing])
    assert list(config.slicing_specs[-1].feature_keys) == ["hair", "young"]
    gaps = [arguments for name, arguments in metrics(config) if name == "GroupGap"]
    assert [gap["attribute"] for gap in gaps[-2:]] == [["hair", "young"]] * 2
    assert len(gaps) == 6
    config_util.verify_eval_config(config)


@pytest.mark.parametrize(("gap", "is_kept"), [(0.1, True), (0.3, False)])
def test_a_threshold_is_that_of_all_examples_alone(gap, is_kept):
    name = gap_name("equalized_odds_difference", "hair")
    threshold = config_pb2.MetricThreshold()
    threshold.value_threshold.upper_bound.value = 0.2
    given = eval_config(
        study.binary_dataset().spec,
        ["student", "teacher"],
        baseline="teacher",
        thresholds={name: threshold},
    )
    # As TFX's Evaluator does before all else.
    config = config_util.update_eval_config_with_defaults(given, has_baseline=True)
    # As TFMA calls what it measures of the student.
    keys = metric_specs.metric_thresholds_from_metrics_specs(
        config.metrics_specs, eval_config=config
    )
    (key,) = (k for k in keys if k.model_name == "student")
    assert key.name == name

    def keeps(slice_key, value):
        measured = (slice_key, {key: value})
        return metrics_validator.validate_metrics(measured, config).validation_ok

    assert keeps((), gap) is is_kept
    # Within a group there is no gap between groups.
    assert keeps((("hair", "brown"),), float("nan"))


def test_a_threshold_on_no_metric_is_refused():
    with pytest.raises(ValueError, match=r"on metrics of \['accuracy', .*'auc'"):
        eval_config(
            study.binary_dataset().spec,
            ["student"],
            thresholds={"auc": config_pb2.MetricThreshold()},
        )
