"""The evaluation split on disk, as sharded tf.Examples."""

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import Dataset
from kd_keras.datasets.examples import encode

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
        record = files.read_json(path)
        if record["source"] == source and record["shards"] == len(shards):
            return record
        files.gfile.remove(path)
    for shard in shards:
        files.gfile.remove(shard)
    record = {"source": source, **_write(workdir, split, load())}
    files.write_json(path, record)
    return record


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
