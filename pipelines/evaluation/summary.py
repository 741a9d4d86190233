"""The summary by which TensorBoard's Fairness Indicators tab finds an evaluation."""

import contextlib
import os
from collections.abc import Iterator

import tensorflow as tf
from tensorboard_plugin_fairness_indicators import summary_v2
from tensorflow.core.util.event_pb2 import Event

from kd_keras import files
from pipelines.evaluation.plan import EVALUATION

# The last part is what TensorBoard shows after the run's title.
DIRECTORY = "tensorboard/fairness"
SUFFIX = ".fairness_indicators"


def ensure(run_dir: str) -> None:
    """Writes the summary of a run, unless it is there and names the right path.

    It holds the absolute path of the evaluation, so it has to be written again after
    the working directory was moved.
    """
    evaluation = _absolute(files.join(run_dir, EVALUATION))
    directory = files.join(run_dir, DIRECTORY)
    existing = files.glob(directory, f"*{SUFFIX}")
    if [_read(path) for path in existing] == [evaluation]:
        return
    with replacing(directory, SUFFIX):
        summary_v2.FairnessIndicators(evaluation, step=0)


@contextlib.contextmanager
def replacing(directory: str, suffix: str) -> Iterator[None]:
    """What is summarised inside becomes the one event file with this suffix."""
    for path in files.glob(directory, f"*{suffix}"):
        files.gfile.remove(path)
    writer = tf.summary.create_file_writer(directory, filename_suffix=suffix)
    with writer.as_default():
        yield
    writer.close()
    (path,) = files.glob(directory, f"*{suffix}")
    _put_first(path)


def _put_first(path: str) -> None:
    """Dates the first event back, before any training.

    TensorBoard sorts the runs by their first event, and the Fairness Indicators tab
    opens the first run, which may not be one that holds training curves only.
    """
    records = list(tf.data.TFRecordDataset(path).as_numpy_iterator())
    first = Event.FromString(records[0])
    first.wall_time = 1.0
    with tf.io.TFRecordWriter(path) as writer:
        for record in (first.SerializeToString(), *records[1:]):
            writer.write(record)


def _read(path: str) -> str | None:
    """The path that a summary holds; None where it is not what was written."""
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            for value in Event.FromString(record).summary.value:
                return value.tensor.string_val[0].decode()
    except tf.errors.DataLossError:  # It is written anew.
        return None
    return None


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(path)
