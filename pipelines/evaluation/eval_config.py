"""The TFMA EvalConfig of some models and a data set; reads and writes nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence

from tensorflow_model_analysis.proto import config_pb2

from kd_keras.datasets import DatasetSpec
from kd_keras.datasets.examples import class_name_key
from pipelines.evaluation.metrics.group_gaps import gap_name

# Rows of kd_keras.fairness.GAPS.
GAPS = ("demographic_parity_difference", "equalized_odds_difference")
# Of a binary classifier, as Fairness Indicators' own default.
BINARY_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BINARY_RATES = (
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
# Of each of several classes; the other rates are complements of these.
CLASS_THRESHOLDS = (0.5,)
CLASS_RATES = (
    "true_positive_rate",
    "false_positive_rate",
    "positive_rate",
    "precision",
)


def eval_config(
    spec: DatasetSpec,
    models: Sequence[str],
    *,
    baseline: str | None = None,
    references: Mapping[str, str] | None = None,
    crossings: Sequence[tuple[str, ...]] = (),
    confidence_intervals: bool = False,
    thresholds: Mapping[str, config_pb2.MetricThreshold] | None = None,
) -> config_pb2.EvalConfig:
    """Describes an evaluation to TFMA.

    Args:
      spec: the data set.
      models: names of the models; their exports take serialized tf.Examples.
      baseline: the one of `models` that the others are compared with, if any.
      references: name of a comparison, such as "versus_teacher" -> the one of `models`
        whose errors the others' are paired with.
      crossings: attributes whose crossed groups are looked at as well.
      confidence_intervals: whether to compute jackknife intervals of the metrics.
      thresholds: name of a metric, such as "accuracy" or that of
        `group_gaps.gap_name` -> its bound, for TFX's Evaluator to bless by. It is one
        of all examples' slice alone: a gap of groups is NaN within a group, and TFMA
        takes a NaN as not kept.

    Returns:
      Metrics overall, per group of each attribute and crossing, and per label.

    Raises:
      ValueError: if a threshold is on no metric of these.
    """
    config = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                name=name,
                signature_name="serving_default",
                model_type="tf_generic",
                label_key=spec.label,
                is_baseline=name == baseline,
            )
            for name in models
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(feature_keys=keys)
            for keys in slices(spec, crossings)
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(metrics=_metrics(spec, references or {}, crossings))
        ],
    )
    config.options.compute_confidence_intervals.value = confidence_intervals
    _add_thresholds(config.metrics_specs[0].metrics, thresholds or {})
    return config


def slices(
    spec: DatasetSpec, crossings: Sequence[tuple[str, ...]] = ()
) -> list[tuple[str, ...]]:
    """What to slice by: nothing, one key, or the keys of a crossing."""
    single = [(key,) for key in (*spec.groups, class_name_key(spec))]
    return [(), *single, *crossings]


def _add_thresholds(
    metrics: Iterable[config_pb2.MetricConfig],
    thresholds: Mapping[str, config_pb2.MetricThreshold],
) -> None:
    """Puts bounds on metrics, for the slice of all examples and for no other."""
    by_name = {_bound_name(metric): metric for metric in metrics}
    known = sorted(name for name in by_name if name)
    for name, threshold in thresholds.items():
        if name not in known:
            raise ValueError(
                f"`thresholds` must be on metrics of {known}. Received: {name!r}."
            )
        by_name[name].per_slice_thresholds.add(
            slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
        )


def _bound_name(metric: config_pb2.MetricConfig) -> str:
    """TFMA's name of a metric that is a single number; "" of any other."""
    if metric.class_name == "GroupGap":
        fields = json.loads(metric.config)
        attribute = fields["attribute"]
        crossed = tuple(attribute) if isinstance(attribute, list) else attribute
        return gap_name(fields["gap"], crossed)
    return "accuracy" if metric.class_name == "Accuracy" else ""


def _metrics(
    spec: DatasetSpec,
    references: Mapping[str, str],
    crossings: Sequence[tuple[str, ...]],
) -> list[config_pb2.MetricConfig]:
    classes = {"num_classes": spec.num_classes}
    return [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        _metric("confusion_matrix", "Accuracy", classes),
        _metric("confusion_matrix", "ConfusionMatrix", classes),
        _metric(
            "fairness_indicators",
            "ClassFairnessIndicators",
            classes | _indicators(spec),
        ),
        *(
            _metric(
                "group_gaps",
                "GroupGap",
                {"gap": gap, "attribute": attribute, **classes},
            )
            for attribute in (*spec.groups, *crossings)
            for gap in GAPS
        ),
        *(
            _metric(
                "paired_errors",
                "PairedErrors",
                classes | {"reference": model, "name": name},
            )
            for name, model in references.items()
        ),
    ]


def _indicators(spec: DatasetSpec) -> dict:
    if spec.num_classes == 2:
        # Named as the Fairness Indicators of the positive class.
        return {
            "classes": {"1": ""},
            "thresholds": BINARY_THRESHOLDS,
            "argmax": False,
            "rates": BINARY_RATES,
        }
    return {
        "classes": {str(i): name for i, name in enumerate(spec.class_names)},
        "thresholds": CLASS_THRESHOLDS,
        "argmax": True,
        "rates": CLASS_RATES,
    }


def _metric(module: str, class_name: str, config: dict) -> config_pb2.MetricConfig:
    # By module, so that workers in other processes find the class.
    return config_pb2.MetricConfig(
        module=f"pipelines.evaluation.metrics.{module}",
        class_name=class_name,
        config=json.dumps(config),
    )
