"""Measures a fairness audit with intervals: kd_keras, Fairlearn and TFMA.

    python benchmarks/audit.py

The whole audit is --models x --examples x --groups with --replicates replicates. The
peers get a part that they finish in minutes; kd_keras gets the same part, too.
"""

import argparse
import contextlib
import tempfile
import time
import tracemalloc

import numpy as np

from kd_keras.fairness import GAPS, GroupCounts


def simulate(num_models: int, num_examples: int, num_groups: int):
    """Labels and groups `[examples]`, predictions `[models, examples]`, int64."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, num_examples)
    groups = rng.integers(0, num_groups, num_examples)
    rate = 0.3 + 0.3 * labels + 0.2 * groups / num_groups
    predictions = rng.random((num_models, num_examples)) < rate
    return labels, groups, predictions.astype(np.int64)


@contextlib.contextmanager
def seconds():
    """Yields a list that receives the elapsed seconds."""
    elapsed = []
    start = time.perf_counter()
    yield elapsed
    elapsed.append(time.perf_counter() - start)


def audit(labels, groups, predictions, replicates: int, batch: int = 100_000):
    """All gaps of all models with intervals; examples arrive in batches."""
    results = []
    for prediction in predictions:
        counts = GroupCounts.merge(
            GroupCounts.from_predictions(
                labels[i : i + batch],
                prediction[i : i + batch],
                groups={"group": groups[i : i + batch]},
                num_classes=2,
            )
            for i in range(0, len(labels), batch)
        )
        results.append(
            {name: counts.gap_interval(name, replicates=replicates) for name in GAPS}
        )
    return results


def fairlearn_audit(labels, groups, predictions, replicates: int) -> None:
    """Rates per group with MetricFrame's own bootstrap; all gaps follow from them."""
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score

    for prediction in predictions:
        frame = metrics.MetricFrame(
            metrics={
                "accuracy": accuracy_score,
                "selection_rate": metrics.selection_rate,
                "true_positive_rate": metrics.true_positive_rate,
                "false_positive_rate": metrics.false_positive_rate,
            },
            y_true=labels,
            y_pred=prediction,
            sensitive_features=groups,
            n_boot=replicates,
            ci_quantiles=[0.025, 0.975],
            random_state=0,
        )
        frame.difference_ci()
        frame.ratio_ci()
        frame.group_min_ci()


def tfma_audit(labels, groups, predictions) -> None:
    """Fairness Indicators per group with jackknife intervals, all models in one job."""
    import apache_beam as beam
    import fairness_indicators.fairness_indicators_metrics  # noqa: F401
    import pyarrow as pa
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis.proto import config_pb2

    names = [f"prediction_{i}" for i in range(len(predictions))]
    config = config_pb2.EvalConfig()
    for name in names:
        config.model_specs.add(name=name, label_key="label", prediction_key=name)
    config.metrics_specs.add().metrics.add(
        class_name="FairnessIndicators", config='{"thresholds": [0.5]}'
    )
    config.slicing_specs.add()
    config.slicing_specs.add(feature_keys=["group"])
    config.options.compute_confidence_intervals.value = True
    config.options.confidence_intervals.method = (
        config_pb2.ConfidenceIntervalOptions.JACKKNIFE
    )
    columns = {"label": labels.astype(np.float32), "group": groups}
    columns |= dict(zip(names, predictions.astype(np.float32), strict=True))
    # TFMA wants a list of values per example.
    offsets = np.arange(len(labels) + 1, dtype=np.int32)
    batch = pa.RecordBatch.from_pydict(
        {k: pa.ListArray.from_arrays(offsets, pa.array(v)) for k, v in columns.items()}
    )
    with (
        tempfile.TemporaryDirectory() as directory,
        beam.Pipeline(runner="FnApiRunner") as pipeline,
    ):
        _ = (
            pipeline
            | beam.Create([batch])
            | tfma.ExtractEvaluateAndWriteResults(
                eval_config=config, output_path=directory
            )
        )


def peak_memory(examples: int, num_groups: int, replicates: int) -> tuple[float, int]:
    """Peak MB that the audit of one model adds to its data, and bytes of its counts."""
    labels, groups, predictions = simulate(1, examples, num_groups)
    counts = GroupCounts.from_predictions(labels, predictions[0], groups={"g": groups})
    tracemalloc.start()
    audit(labels, groups, predictions, replicates)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak, sum(array.nbytes for array in counts.to_arrays().values())


def compare(name: str, theirs: float, ours: float, part: str) -> None:
    print(f"{name}: {part}", flush=True)
    print(f"  {name} {theirs:.2f} s, kd_keras {ours:.4f} s: {theirs / ours:,.0f} times")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=15)
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--fairlearn-examples", type=int, default=1_000_000)
    parser.add_argument("--fairlearn-replicates", type=int, default=10)
    parser.add_argument("--tfma-examples", type=int, default=10_000)
    parser.add_argument("--tfma-models", type=int, default=15)
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    data = simulate(args.models, args.examples, args.groups)
    audit(*simulate(1, 1000, args.groups), 10)  # imports and caches
    with seconds() as whole:
        audit(*data, args.replicates)
    print(
        f"kd_keras: {args.models} models x {args.examples:,} examples x {args.groups} "
        f"groups, {len(GAPS)} gaps, {args.replicates:,} replicates: {whole[0]:.2f} s"
    )
    for examples in (args.examples // 10, args.examples):
        peak, size = peak_memory(examples, args.groups, args.replicates)
        print(f"  memory, {examples:,} examples: counts {size:,} B, peak {peak:.1f} MB")

    part = simulate(1, args.fairlearn_examples, args.groups)
    with seconds() as theirs:
        fairlearn_audit(*part, args.fairlearn_replicates)
    with seconds() as ours:
        audit(*part, args.fairlearn_replicates)
    described = f"1 model x {args.fairlearn_examples:,} examples"
    described += f", {args.fairlearn_replicates} replicates"
    compare("Fairlearn", theirs[0], ours[0], described)

    part = simulate(args.tfma_models, args.tfma_examples, args.groups)
    tfma_audit(*simulate(1, 100, 2))  # imports
    with seconds() as theirs:
        tfma_audit(*part)
    with seconds() as ours:
        audit(*part, args.replicates)
    described = f"{args.tfma_models} models x {args.tfma_examples:,} examples"
    compare("TFMA with jackknife", theirs[0], ours[0], described)


if __name__ == "__main__":
    main()
