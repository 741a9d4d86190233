"""Reads the records of a prepared data set, and names the one that is broken."""

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets.examples import is_image
from kd_keras.datasets.spec import Dataset, DatasetSpec

# Decoded splits up to this size are kept in memory.
CACHE_BYTES = 2 * 2**30
_PARSED_AT_ONCE = 64
# A TFRecord file adds its length and two checksums to each record.
_FRAME_BYTES = 16

Example = dict[str, tf.Tensor]


def carve(builder: Any, fraction: float) -> dict[str, str]:
    """Divides the training split where none is there for validation.

    The records are stored in the order of a hash, so any part is a random sample, and
    the same one wherever the data set has been prepared.

    Args:
      builder: the tfds.core.DatasetBuilder of the data set.
      fraction: share of the records for validation, in (0, 1).

    Returns:
      "train" and "validation" -> TFDS name of the part.

    Raises:
      ValueError: if one of the parts would be empty.
    """
    total = builder.info.splits["train"].num_examples
    rest = total - round(total * fraction)
    if not 0 < rest < total:
        raise ValueError(
            "`validation_fraction` must leave examples for training and for "
            f"validation. Received: validation_fraction={fraction!r}, of {total} "
            "examples. A usual value is 0.1."
        )
    return {"train": f"train[:{rest}]", "validation": f"train[{rest}:]"}


def read(
    builder: Any,
    split: str,
    spec: DatasetSpec,
    convert: Callable[[Mapping[str, Any]], Example],
    *,
    keep: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Reads a split in its stored order, which is the same in every iteration.

    An image or a label that is corrupt ends the iteration with an
    InvalidArgumentError that names the file and the record.

    Args:
      builder: the tfds.core.DatasetBuilder of the data set.
      split: TFDS name of the split or of a part of it, such as "train[:100]".
      spec: spec of the examples.
      convert: fields of one tf.Example -> example under the spec's keys. Images
        arrive as JPEG or PNG bytes (`decode` reads them); "record" is the name of the
        record.
      keep: bool `[records of the split]`, False for records to leave out.

    Returns:
      The examples. They are kept in memory once read if they fit into `CACHE_BYTES`.

    Raises:
      ValueError: if a file is missing or truncated.
    """
    records = _records(builder, split)
    size = builder.info.splits[split].num_examples
    if keep is not None:
        records = _filtered(records, keep)
        size = int(keep.sum())
    fields = _parsed(builder, records).unbatch()
    if any(is_image(feature) for feature in spec.features.values()):
        examples = _converted(fields, spec, convert)
    else:
        examples = fields.map(lambda record: _checked(record, spec, convert))
    examples = examples.apply(tf.data.experimental.assert_cardinality(size))
    return kept(examples, spec)


def kept(examples: tf.data.Dataset, spec: DatasetSpec) -> tf.data.Dataset:
    """Keeps decoded examples in memory once read, if they fit into `CACHE_BYTES`."""
    size = int(examples.cardinality()) * _example_bytes(spec)
    return examples.cache() if size <= CACHE_BYTES else examples


def read_all(
    builder: Any,
    parts: Mapping[str, str],
    spec: DatasetSpec,
    convert: Callable[[Mapping[str, Any]], Example],
) -> Dataset:
    """Reads several splits: name -> TFDS name; see `read`."""
    splits = {name: read(builder, part, spec, convert) for name, part in parts.items()}
    return Dataset(spec, splits)


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """JPEG or PNG bytes -> uint8 `[height, width, 3]`; grey becomes RGB."""
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def resize(image: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resizes a uint8 image `[height, width, 3]`, anti-aliased, to `[*size, 3]`."""
    resized = tf.image.resize(image, size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def resize_and_crop(
    image: tf.Tensor, size: int, margin: float = 256 / 224
) -> tf.Tensor:
    """Resizes the shorter side to `margin * size` and crops the middle square.

    Args:
      image: uint8 `[height, width, 3]`.
      size: side of the result, in pixels.
      margin: 256 / 224 is ImageNet's usual evaluation (He et al. 2016); 1 keeps all
        of the shorter side.

    Returns:
      uint8 `[size, size, 3]`.
    """
    height, width = tf.unstack(tf.cast(tf.shape(image)[:2], tf.float32))
    side = tf.minimum(height, width) / margin
    top, left = (
        tf.cast((height - side) / 2, tf.int32),
        tf.cast((width - side) / 2, tf.int32),
    )
    crop = tf.image.crop_to_bounding_box(
        image, top, left, tf.cast(side, tf.int32), tf.cast(side, tf.int32)
    )
    return resize(crop, (size, size))


def column(builder: Any, split: str, field: str) -> np.ndarray:
    """One int64 field of every record of a split, in its stored order.

    Args:
      builder: the tfds.core.DatasetBuilder of the data set.
      split: TFDS name of the split.
      field: its key in the tf.Examples, such as "attributes/Smiling".
    """
    batches = _parsed(builder, _records(builder, split))
    return np.concatenate([batch[field].numpy() for batch in batches])


def is_hidden(builder: Any, split: str, field: str) -> bool:
    """Whether a split's labels are kept back: -1 in every record, as TFDS has it.

    Args:
      builder, split, field: as in `column`.
    """
    batches = _parsed(builder, _records(builder, split))
    # It ends at the first label that is there.
    return all((batch[field].numpy() == -1).all() for batch in batches)


def _records(builder: Any, split: str) -> tf.data.Dataset:
    """Dicts of the record's name and its serialized tf.Example."""
    _require_whole(builder, split.split("[")[0])
    parts = builder.info.splits[split].file_instructions
    shards = tf.data.Dataset.from_tensor_slices(
        {
            "path": [part.filename for part in parts],
            "records": np.array([part.examples_in_shard for part in parts], np.int64),
            "skip": np.array([part.skip for part in parts], np.int64),
            "take": np.array([part.take for part in parts], np.int64),
        }
    )
    return shards.flat_map(_shard_records)


def _shard_records(shard: Example) -> tf.data.Dataset:
    name = tf.strings.split(shard["path"], os.sep)[-1]
    records = tf.data.TFRecordDataset(shard["path"]).enumerate()
    return (
        records.skip(shard["skip"])
        .take(shard["take"])
        .map(
            lambda index, record: {
                "record": tf.strings.join([name, "__", tf.strings.as_string(index)]),
                "serialized": record,
            }
        )
    )


def _require_whole(builder: Any, split: str) -> None:
    """Raises a ValueError if a file of the split is missing or truncated."""
    info = builder.info.splits[split]
    paths = [part.filename for part in info.file_instructions]
    there = [path for path in paths if files.exists(path)]
    size = sum(files.gfile.stat(path).length for path in there)
    if size == info.num_bytes + _FRAME_BYTES * info.num_examples:
        return
    # Sizes may differ for other reasons, so the records decide.
    for part in info.file_instructions:
        count = _readable_records(part.filename)
        if count != part.examples_in_shard:
            raise ValueError(
                f"Cannot read record {count} of {part.filename}, which should have "
                f"{part.examples_in_shard}: the file is missing or truncated. Delete "
                f"{os.path.dirname(part.filename)} and prepare the data set again."
            )


def _readable_records(path: str) -> int:
    count = 0
    with contextlib.suppress(tf.errors.OpError):
        for _ in tf.data.TFRecordDataset(path):
            count += 1
    return count


def _filtered(records: tf.data.Dataset, keep: np.ndarray) -> tf.data.Dataset:
    mask = tf.constant(keep)
    kept = records.enumerate().filter(lambda index, _: mask[index])
    return kept.map(lambda _, record: record)


def _parsed(builder: Any, records: tf.data.Dataset) -> tf.data.Dataset:
    """Batches of the fields of the records and of their names, as "record"."""
    schema = builder.info.features.tf_example_spec

    def parse(batch: Example) -> Example:
        fields = tf.io.parse_example(batch["serialized"], schema)
        return {**fields, "record": batch["record"]}

    return records.batch(_PARSED_AT_ONCE).map(parse)


def _checked(
    record: Example,
    spec: DatasetSpec,
    convert: Callable[[Mapping[str, Any]], Example],
) -> Example:
    """Converts a record, whose label has to be a class."""
    example = convert(record)
    label = example[spec.label]
    problem = [
        f"Data set {spec.name!r} has a label that is not in [0, {spec.num_classes}), "
        "in (file__record)",
        record["record"],
    ]
    known = tf.debugging.Assert((label >= 0) & (label < spec.num_classes), problem)
    with tf.control_dependencies([known]):
        return {**example, spec.label: tf.identity(label)}


def _converted(
    fields: tf.data.Dataset,
    spec: DatasetSpec,
    convert: Callable[[Mapping[str, Any]], Example],
) -> tf.data.Dataset:
    """Converts each element, or raises an error that names its record."""

    def checked(record: Example) -> Example:
        return _checked(record, spec, convert)

    def fail(record: Example) -> Example:
        problem = [
            f"Data set {spec.name!r} has a corrupt image, or a label that is not in "
            f"[0, {spec.num_classes}), in (file__record)",
            record["record"],
        ]
        with tf.control_dependencies([tf.debugging.Assert(False, problem)]):
            return checked(tf.nest.map_structure(tf.identity, record))

    def one_converted(record: Example) -> tf.data.Dataset:
        one = tf.data.Dataset.from_tensors(record)
        # What follows the first is computed only if that has failed.
        first = one.map(checked).ignore_errors()
        return first.concatenate(one.map(fail)).take(1)

    parallel = os.cpu_count() or 1
    return fields.interleave(
        one_converted,
        cycle_length=parallel,
        num_parallel_calls=parallel,
        deterministic=True,
    )


def _example_bytes(spec: DatasetSpec) -> int:
    return sum(
        int(np.prod(feature.shape)) * feature.dtype.size
        for feature in spec.features.values()
    )
