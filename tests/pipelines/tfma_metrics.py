"""Runs TFMA's metrics on arrays, as its evaluator does after the predictions."""

import tempfile

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors import slice_key_extractor

from pipelines.evaluation.output import read_metrics


def compute(config, labels, predictions, *, features=None, weights=None):
    """Evaluates predictions that are there already.

    Args:
      config: an EvalConfig.
      labels: class indices `[examples]`.
      predictions: probabilities `[examples, classes]`, or a dict of them by model.
      features: feature name -> `[examples]`; None is missing.
      weights: `[examples]`.

    Returns:
      Slice, as (feature, value) pairs -> model -> metric, named as in load_eval_result
      -> value, a float, or the MetricValue where it is none; with intervals a
      (value, lower, upper).
    """
    with tempfile.TemporaryDirectory() as output:
        _run(config, _extracts(labels, predictions, features or {}, weights), output)
        metrics = read_metrics(output)
    return {_slice(of_slice): _values(of_slice) for of_slice in metrics}


def validate(config, labels, predictions, *, features):
    """As `compute`; returns TFMA's ValidationResult for the config's thresholds."""
    with tempfile.TemporaryDirectory() as output:
        _run(config, _extracts(labels, predictions, features, None), output)
        return tfma.load_validation_result(output)


def _run(config, extracts, output):
    slices = slice_key_extractor.SliceKeyExtractor(
        eval_config=config, materialize=False
    )
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(extracts)
            | tfma.ExtractEvaluateAndWriteResults(
                eval_config=config,
                # Without them TFMA drops the baseline; no model is run.
                eval_shared_model=[
                    tfma.EvalSharedModel(
                        model_name=spec.name,
                        model_path="",
                        model_type="tf_generic",
                        is_baseline=spec.is_baseline,
                    )
                    for spec in config.model_specs
                ],
                extractors=[slices],
                output_path=output,
                random_seed_for_testing=0,
            )
        )


def _extracts(labels, predictions, features, weights):
    def row(i):
        of_models = (
            {name: np.array(values[i]) for name, values in predictions.items()}
            if isinstance(predictions, dict)
            else np.array(predictions[i])
        )
        return {
            constants.LABELS_KEY: np.array([labels[i]]),
            constants.PREDICTIONS_KEY: of_models,
            constants.EXAMPLE_WEIGHTS_KEY: np.array([weights[i]]),
            constants.FEATURES_KEY: {
                name: np.array([values[i].encode()])
                for name, values in features.items()
                if values[i] is not None
            },
        }

    if weights is None:
        weights = [1.0] * len(labels)
    return [row(i) for i in range(len(labels))]


def _slice(of_slice):
    keys = of_slice.slice_key.single_slice_keys
    return tuple((key.column, key.bytes_value.decode()) for key in keys)


def _values(of_slice):
    values = {}
    for item in of_slice.metric_keys_and_values:
        key, value = item.key, item.value
        name = key.name + ("_diff" if key.is_diff else "")
        if key.HasField("sub_key"):
            name += f"[{key.sub_key.class_id.value}]"
        if value.HasField("double_value"):
            value = value.double_value.value
            if item.HasField("confidence_interval"):
                interval = item.confidence_interval
                bounds = (interval.lower_bound, interval.upper_bound)
                value = (value, *(bound.double_value.value for bound in bounds))
        values.setdefault(key.model_name, {})[name] = value
    return values
