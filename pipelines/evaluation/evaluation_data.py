"""The evaluation split on disk, as sharded tf.Examples."""

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import Dataset
from kd_keras.datasets.examples import encode
from pipelines.studies import sealed

DIRECTORY = "evaluation_data"
SHARD_SIZE = 1000  # Examples; what one Beam worker reads at a time.


def pattern(workdir: str, split: str) -> str:
    """Matches the shards of a split."""
    return files.join(workdir, DIRECTORY, f"{split}-*.tfrecord")


def ensure(
    workdir: str,
    split: str,
    source: Mapping[str, Any],
    load: Callable[[], Dataset],
) -> dict[str, Any]:
    """Writes the shards of a split, unless they are there from the same source.

    Args:
      workdir: the study's working directory.
      split: name of the split.
      source: what the data set is loaded from, as JSON.
      load: loads the data set.

    Returns:
      The split's record: source, number of examples and shards, digest of the
      examples. It is written last.
    """
    path = files.join(workdir, DIRECTORY, f"{split}.json")
    shards = files.gfile.glob(pattern(workdir, split))
    if files.exists(path):
        record = _read(path)
        if record.get("source") == source and record["shards"] == len(shards):
            return record
        files.gfile.remove(path)
    for shard in shards:
        files.gfile.remove(shard)
    record = {"source": source, **_write(workdir, split, load())}
    sealed.write(path, record)
    return record


def _read(path: str) -> dict[str, Any]:
    """The record of a split; empty where it is not what was written."""
    try:
        return sealed.read(path, "")
    except ValueError as error:
        print(f"examples are written again: {error}", flush=True)
        return {}


def verify(workdir: str, split: str, record: Mapping[str, Any]) -> None:
    """Reads the shards of a split and compares them with their record.

    Raises:
      ValueError: if a file is truncated or corrupt.
    """
    digest = hashlib.sha256()
    shards = sorted(files.gfile.glob(pattern(workdir, split)))
    for path in shards:
        try:
            for example in tf.data.TFRecordDataset(path).as_numpy_iterator():
                digest.update(example)
        except tf.errors.DataLossError as error:
            raise ValueError(_corrupt(path, path)) from error
    if digest.hexdigest() != record["digest"]:
        raise ValueError(_corrupt(f"A file {pattern(workdir, split)}", shards[0]))


def _corrupt(what: str, path: str) -> str:
    return (
        f"{what} is truncated or corrupt. Delete {path} and run again: the examples "
        "are then written anew."
    )


def _write(workdir: str, split: str, dataset: Dataset) -> dict[str, Any]:
    if split not in dataset.splits:
        raise ValueError(
            f"--config.evaluation.split must be one of {sorted(dataset.splits)}. "
            f"Received: {split!r}."
        )
    digest, size, shards = hashlib.sha256(), 0, 0
    examples = dataset.splits[split].as_numpy_iterator()
    serialized = (encode(dataset.spec, example) for example in examples)
    while shard := list(itertools.islice(serialized, SHARD_SIZE)):
        name = pattern(workdir, split).replace("*", f"{shards:05d}")
        with files.replacing(name) as path, tf.io.TFRecordWriter(path) as writer:
            for example in shard:
                writer.write(example)
                digest.update(example)
        size, shards = size + len(shard), shards + 1
    return {"examples": size, "shards": shards, "digest": digest.hexdigest()}
