"""A TFMA metric on examples in memory, as Beam would compute it, without Beam."""

import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types


def extracts(labels, predictions, *, weights=None, features=None):
    """What TFMA extracts of each example.

    Args:
      labels: class indices `[examples]`.
      predictions: probabilities `[examples, classes]`, or a dict of them by model.
      weights: `[examples]`; None for none.
      features: name -> `[examples]`; None is missing.
    """
    rows = []
    for i, label in enumerate(labels):
        of_models = (
            {name: np.array(values[i]) for name, values in predictions.items()}
            if isinstance(predictions, dict)
            else np.array(predictions[i])
        )
        row = {
            constants.LABELS_KEY: np.array([label]),
            constants.PREDICTIONS_KEY: of_models,
            constants.FEATURES_KEY: {
                name: np.array([values[i]])
                for name, values in (features or {}).items()
                if values[i] is not None
            },
        }
        if weights is not None:
            row[constants.EXAMPLE_WEIGHTS_KEY] = np.array([weights[i]])
        rows.append(row)
    return rows


def compute(metric, rows, *, bundles=2, **options):
    """Key -> value of a metric; the examples are in several bundles.

    Args:
      metric: a TFMA metric.
      rows: from `extracts`.
      bundles: whose accumulators are merged.
      **options: of `Metric.computations`, such as `model_names`.
    """
    found = {}
    computations = metric.computations(**options)
    for computation in computations:
        if isinstance(computation, metric_types.MetricComputation):
            combiner = computation.combiner
            accumulators = [
                _bundle(computation, rows[i::bundles]) for i in range(bundles)
            ]
            merged = combiner.merge_accumulators(accumulators)
            output = combiner.extract_output(merged)
            assert set(output) == set(computation.keys)
            found |= output
    values = {}
    for computation in computations:
        if isinstance(computation, metric_types.DerivedMetricComputation):
            values |= computation.result(found)
    return values


def _bundle(computation, rows):
    accumulator = computation.combiner.create_accumulator()
    (preprocessor,) = computation.preprocessors
    for row in rows:
        for element in preprocessor.process(row):
            accumulator = computation.combiner.add_input(accumulator, element)
    return accumulator
