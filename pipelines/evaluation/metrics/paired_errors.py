"""Two models on the same examples, as a TFMA metric."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import model_util

from kd_keras.fairness import PairedCounts, mcnemar
from pipelines.evaluation.metrics.counts import PairedCountsCombineFn
from pipelines.evaluation.metrics.outputs import ModelOutput, ModelOutputPreprocessor


class PairedErrors(metric_types.Metric):
    """Errors that a model shares with a reference, introduces and repairs.

    The values of a slice are `<name>/agreement`, the share of examples with the same
    prediction; `<name>/shared_errors`, `introduced_errors` and `repaired_errors`,
    shares of examples; and `<name>/mcnemar_p_value` of introduced against repaired
    errors. In the slices of an attribute's groups they tell whether a gap of accuracy
    is transferred from the reference (shared errors differ) or created (introduced
    errors differ). Computed for every model but the reference and the baseline.

    Args:
      reference: name of the model that the others are compared with.
      num_classes: number of classes.
      name: prefix of the values' names.
    """

    def __init__(
        self,
        reference: str,
        num_classes: int = 2,
        name: str = "paired_errors",
    ):
        super().__init__(
            _paired_errors,
            reference=reference,
            num_classes=num_classes,
            name=name,
        )


class PairedOutputPreprocessor(metric_types.Preprocessor):
    """Reads the outputs of a reference and of a model for the same example."""

    def __init__(self, reference: str, model_name: str, example_weighted: bool):
        self.reference = ModelOutputPreprocessor(reference)
        self.model = ModelOutputPreprocessor(
            model_name, example_weighted=example_weighted
        )
        super().__init__(name=f"{self.reference.name}|{self.model.name}")

    def process(
        self, extracts: Mapping[str, Any]
    ) -> Iterator[tuple[ModelOutput, ModelOutput]]:
        yield from zip(
            self.reference.process(extracts), self.model.process(extracts), strict=True
        )


def _paired_errors(
    reference: str,
    num_classes: int,
    name: str,
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: Sequence[str] = (),
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    baseline = model_util.get_baseline_model_spec(eval_config)
    left_out = {reference, baseline.name if baseline else None}
    computations: metric_types.MetricComputations = []
    for model in model_names:
        if model not in left_out:
            computations += _of_model(
                model, reference, num_classes, name, example_weighted
            )
    return computations


def _of_model(
    model: str,
    reference: str,
    num_classes: int,
    name: str,
    example_weighted: bool,
) -> metric_types.MetricComputations:
    def key(value_name: str) -> metric_types.MetricKey:
        return metric_types.MetricKey(
            value_name, model_name=model, example_weighted=example_weighted
        )

    private = key(
        metric_util.generate_private_name_from_arguments(
            "paired_counts",
            reference=reference,
            classes=num_classes,
        )
    )
    counts = metric_types.MetricComputation(
        keys=[private],
        preprocessors=[PairedOutputPreprocessor(reference, model, example_weighted)],
        combiner=PairedCountsCombineFn(private, num_classes),
    )

    def result(metrics: Mapping[metric_types.MetricKey, Any]) -> dict:
        values = _values(metrics[private])
        return {key(f"{name}/{part}"): value for part, value in values.items()}

    return [counts, metric_types.DerivedMetricComputation([key(name)], result)]


def _values(counts: PairedCounts) -> dict[str, float]:
    right_a = counts.prediction_a == counts.label
    right_b = counts.prediction_b == counts.label
    total = counts.mass.sum() or np.nan
    return {
        "agreement": counts.agreement(),
        "shared_errors": counts.mass[~right_a & ~right_b].sum() / total,
        "introduced_errors": counts.mass[right_a & ~right_b].sum() / total,
        "repaired_errors": counts.mass[~right_a & right_b].sum() / total,
        "mcnemar_p_value": float(
            mcnemar(
                counts.counts[right_a & ~right_b].sum(),
                counts.counts[~right_a & right_b].sum(),
            )
        ),
    }
