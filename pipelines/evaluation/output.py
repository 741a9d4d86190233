"""One evaluation directory and one Fairness Indicators summary per model."""

from typing import Any

import tensorflow as tf
from google.protobuf import json_format
from tensorflow_model_analysis import version
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2

from kd_keras import digests, files
from pipelines.evaluation import summary, unpickling
from pipelines.evaluation.plan import EVALUATION, RECORD
from pipelines.studies import sealed


def read_metrics(directory: str) -> list[metrics_for_slice_pb2.MetricsForSlice]:
    """TFMA's metrics of every slice."""
    unpickling.refuse()
    shards = sorted(files.glob(directory, "metrics*.tfrecord"))
    return [
        metrics_for_slice_pb2.MetricsForSlice.FromString(record)
        for record in tf.data.TFRecordDataset(shards).as_numpy_iterator()
    ]


def write_model(
    metrics: list[metrics_for_slice_pb2.MetricsForSlice],
    model: str,
    eval_run: config_pb2.EvalRun,
    run_dir: str,
    record: dict[str, Any],
) -> None:
    """Puts one model's part of an evaluation into its run's directory.

    The Fairness Indicators tab fails on a directory with several models.

    Args:
      metrics: of every slice, of all models.
      model: TFMA's name of the model.
      eval_run: config and locations, of this model only.
      run_dir: the run's directory; `evaluation` below it is replaced as a whole.
      record: what the evaluation was made from; the accuracy and the SHA-256 of the
        files are added.
    """
    directory = files.join(run_dir, EVALUATION)
    partial = f"{directory}.partial"
    files.remove_tree(partial)
    files.gfile.makedirs(partial)
    path = files.join(partial, "metrics-00000-of-00001.tfrecord")
    accuracy = None
    with tf.io.TFRecordWriter(path) as writer:
        # In an order that does not depend on Beam's.
        for of_all in sorted(metrics, key=lambda m: m.slice_key.SerializeToString()):
            of_slice = _of_model(of_all, model)
            writer.write(of_slice.SerializeToString(deterministic=True))
            if not of_slice.slice_key.single_slice_keys:
                accuracy = _accuracy(of_slice)
    if accuracy is None:
        raise ValueError(
            f"TFMA gave no metrics of all examples for {run_dir}. Evaluate it again."
        )
    files.write_text(
        files.join(partial, "eval_config.json"), json_format.MessageToJson(eval_run)
    )
    measured = {"accuracy": accuracy, "files": digests.of_directory(partial)}
    sealed.write(files.join(partial, RECORD), {**record, **measured})
    summary.ensure(run_dir)
    files.replace_directory(partial, directory, last=RECORD)


def eval_run(
    config: config_pb2.EvalConfig, model: str, export: str, examples: str
) -> config_pb2.EvalRun:
    """The `eval_config.json` of one model out of an evaluation of several."""
    of_model = config_pb2.EvalConfig()
    of_model.CopyFrom(config)
    del of_model.model_specs[:]
    of_model.model_specs.extend(s for s in config.model_specs if s.name == model)
    return config_pb2.EvalRun(
        eval_config=of_model,
        version=version.VERSION,
        data_location=examples,
        file_format="tfrecords",
        model_locations={model: export},
    )


def _accuracy(overall: metrics_for_slice_pb2.MetricsForSlice) -> float:
    """The accuracy of all examples."""
    (found,) = (
        item.value.double_value.value
        for item in overall.metric_keys_and_values
        if item.key.name == "accuracy" and not item.key.is_diff
    )
    return found


def _of_model(
    metrics: metrics_for_slice_pb2.MetricsForSlice, model: str
) -> metrics_for_slice_pb2.MetricsForSlice:
    of_model = metrics_for_slice_pb2.MetricsForSlice(slice_key=metrics.slice_key)
    of_model.metric_keys_and_values.extend(
        item
        for item in metrics.metric_keys_and_values
        # TFMA leaves the name of a single model empty.
        if item.key.model_name in (model, "")
    )
    for item in of_model.metric_keys_and_values:
        item.key.model_name = model
    return of_model
