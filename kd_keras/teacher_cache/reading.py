"""Serves examples with the logits that a teacher gave for them."""

import functools
import io
import math
import zlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import augment
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.table import fields_html
from kd_keras.teacher_cache.hidden import HiddenStates, read_head
from kd_keras.teacher_cache.identity import (
    KEY_BYTES,
    Identity,
    block_size,
    example_keys,
    shard_names,
)
from kd_keras.teacher_cache.storage import Storage

_MOST_IN_MEMORY = 2**28  # Bytes of all examples and logits of a split.
_BYTES_OF_TENSOR = 200  # What TensorFlow needs for a scalar beside its number.


class TeacherCache:
    """The logits of one teacher for one split, complete and with right checksums.

    `build` makes it. `directory` holds one .npy of keys (uint64 `[rows, 2]`) and one
    .npy of logits per view for each shard, which np.load can map into memory too, and
    cache.json with the identity and the CRC-32 of every file.

    Attributes:
      directory: where the files are.
      identity: what the cache was made from.
      outputs: shape of one example's logits, the classes last; of `HiddenStates` the
        width.
      head: with `HiddenStates`, the teacher's last layer: `Distiller(teacher=head)`.
      largest_difference: between the first batch's outputs in the precision that the
        cache was made with and in float32; None of a cache made in float32.
    """

    def __init__(
        self,
        directory: str,
        identity: Identity,
        outputs: list[int],
        spec: DatasetSpec,
        storage: Storage,
        largest_difference: float | None = None,
    ):
        self.directory = directory
        self.largest_difference = largest_difference
        self.identity = identity
        self.outputs = outputs
        self._spec = spec
        self._storage = storage

    @functools.cached_property
    def head(self) -> keras.layers.Dense:
        """The teacher's last layer; a ValueError where logits are stored."""
        if not isinstance(self._storage, HiddenStates):
            raise ValueError(
                "`head` is kept with storage=HiddenStates(...) only. Received: a cache "
                f"with {self._storage!r}, which serves logits. Use teacher=None."
            )
        return read_head(self.directory)

    def _repr_html_(self) -> str:
        return fields_html(self.identity)

    def join(
        self, examples: tf.data.Dataset, epoch: tf.Variable | None = None
    ) -> tf.data.Dataset:
        """The examples with the teacher's logits as part of the label.

        Batches made of them are what a `Distiller` without a teacher takes. The files
        are read in their order, along with the examples: whatever is shuffled
        afterwards has the order that it would have without the cache.

        Args:
          examples: the examples that the cache was made from, in the same order, not
            augmented. Every one is compared by id and features: where one differs, an
            InvalidArgumentError names it. Up to 256 MiB without augmentation are kept
            in memory after the first whole iteration, and later ones read those; else
            every iteration compares.
          epoch: int64 scalar variable, read when an iteration begins; epoch e gets
            view e modulo `views`. Needed where there are several views.

        Returns:
          The examples, augmented as the teacher saw them, with the label replaced by
          {"labels": the label, "teacher_logits": float32 `[*outputs]`}; with
          `HiddenStates` "teacher_inputs" in their precision, for `head` as teacher.

        Raises:
          ValueError: if the number of examples is another, or `epoch` is missing.
        """
        if int(examples.cardinality()) != self.identity.examples:
            raise ValueError(
                "`examples` must be those that the teacher cache in "
                f"{self.directory} was made from, {self.identity.examples} in number. "
                f"Received: {int(examples.cardinality())}. Pass the same split."
            )
        if epoch is None and self.identity.views > 1:
            raise ValueError(
                "`epoch` must be the variable that counts the epochs, since the cache "
                f"has views={self.identity.views}. Received: epoch=None."
            )
        # Blocks end where files end.
        block = math.gcd(block_size(examples), self.identity.shard_examples)
        blocks = (examples.batch(block), self._blocks(epoch, block))
        joined = tf.data.Dataset.zip(blocks).map(self._merge).unbatch()
        if self.identity.augmentation:
            change = augment.view(self.identity.augmentation, examples, self._spec)
            joined = joined.map(
                lambda example, view: change(example, self.identity.seed, view),
                num_parallel_calls=tf.data.AUTOTUNE,
                deterministic=True,
            )
        elif self._fits_in_memory(joined):
            # Taking blocks apart costs three times what reading an example does.
            joined = joined.cache()
        counted = tf.data.experimental.assert_cardinality(self.identity.examples)
        return without_autotune(joined.apply(counted))

    def _fits_in_memory(self, joined: tf.data.Dataset) -> bool:
        """Whether all examples are numbers of known shapes, and few enough."""
        specs = tf.nest.flatten(joined.element_spec)
        # Ids are short; of other texts nobody knows how long they are.
        texts = sum(spec.dtype == tf.string for spec in specs)
        if texts > 1 or not all(spec.shape.is_fully_defined() for spec in specs):
            return False
        numbers = [s for s in specs if s.dtype != tf.string]
        size = sum(s.dtype.size * s.shape.num_elements() for s in numbers)
        size += _BYTES_OF_TENSOR * len(specs)
        return self.identity.examples * size <= _MOST_IN_MEMORY

    def in_memory(self, keys: np.ndarray) -> np.ndarray:
        """The logits of all examples, where there is one view.

        Args:
          keys: `example_keys` of the examples, uint8 `[examples, KEY_BYTES]`, in the
            order that the cache was made in.

        Returns:
          float32 `[examples, *outputs]`.

        Raises:
          ValueError: if an example is another one than the cache was made from, there
            are several views, or it keeps hidden states.
        """
        views, augmentation = self.identity.views, self.identity.augmentation
        hidden = isinstance(self._storage, HiddenStates)
        if views != 1 or augmentation or hidden:
            raise ValueError(
                "`in_memory` is for logits of one view without augmentation. Received: "
                f"views={views}, augmentation={augmentation!r}, {self._storage!r}. Use "
                "join."
            )
        names = [shard_names(shard, 0) for shard in range(self.identity.shards)]
        made = np.concatenate([self._rows_of(of_keys) for of_keys, _ in names])
        if made.shape != keys.shape or (made != keys).any():
            raise ValueError(
                f"The teacher cache in {self.directory} was made from other examples, "
                "or from other features of them. Pass the examples in the order and "
                "form that the teacher saw."
            )
        rows = np.concatenate([self._rows_of(of_logits) for _, of_logits in names])
        return self._storage.decode(tf.constant(rows), tuple(self.outputs)).numpy()

    def _rows_of(self, name: str) -> np.ndarray:
        """uint8 `[rows, bytes]` of a file."""
        content = files.read_bytes(files.join(self.directory, name))
        array = np.load(io.BytesIO(content), allow_pickle=False)
        return np.ascontiguousarray(array).view(np.uint8).reshape(len(array), -1)

    def _blocks(self, epoch: tf.Variable | None, block: int) -> tf.data.Dataset:
        """(keys, logits as in the file, view) in this epoch's view, `block` a time.

        The last block of a file is filled up with zeros.
        """
        paths = tf.constant(
            [
                [
                    [files.join(self.directory, n) for n in shard_names(shard, view)]
                    for view in range(self.identity.views)
                ]
                for shard in range(self.identity.shards)
            ]
        )
        empty = self._storage.encode(np.zeros((0, *self.outputs), np.float32))

        def in_shard(paths: tf.Tensor) -> tf.data.Dataset:
            now = tf.constant(0, tf.int64) if epoch is None else epoch.read_value()
            view = now % self.identity.views
            keys = _in_blocks(_records(paths[view, 0], np.empty((0, 2), "<u8")), block)
            logits = _in_blocks(_records(paths[view, 1], empty), block)
            views = tf.repeat(view, tf.shape(keys)[0])
            return tf.data.Dataset.from_tensor_slices((keys, logits, views))

        # Each function inside of another costs every iteration some milliseconds.
        return tf.data.Dataset.from_tensor_slices(paths).flat_map(in_shard)

    def _merge(
        self, examples: Mapping[str, tf.Tensor], rows: tuple[tf.Tensor, ...]
    ) -> Any:
        made, logits, view = rows
        ids = examples[self._spec.example_id]
        size = tf.shape(ids)[0]
        same = tf.equal(example_keys(examples, self._spec), made[:size])
        with tf.control_dependencies([self._check(same, ids)]):
            decoded = self._storage.decode(logits[:size], tuple(self.outputs))
        label = {"labels": examples[self._spec.label], self._storage.key: decoded}
        taught = {**examples, self._spec.label: label}
        if not self.identity.augmentation:
            return taught
        return taught, tf.repeat(view, size)

    def _check(self, same: tf.Tensor, ids: tf.Tensor) -> tf.Operation:
        """Fails and names the first example whose key differs."""
        right = tf.reduce_all(same, axis=1)
        first = tf.argmin(tf.cast(right, tf.int8))
        other_id = ~tf.reduce_all(same[first, : KEY_BYTES // 2])
        cache = f"The teacher cache in {self.directory}"
        problem = tf.where(
            other_id,
            f"{cache} has an example with another id at the place of",
            f"{cache} was made from other features of",
        )
        advice = "Pass the examples in the order and form that the teacher saw."
        # Unlike tf.debugging.Assert it makes no functions, which cost time each epoch.
        return tf.raw_ops.Assert(
            condition=tf.reduce_all(right), data=[problem, ids[first], advice]
        )


def verify(directory: str, crc32: Mapping[str, int]) -> None:
    """Raises a ValueError that names the first file with another CRC-32."""
    for name, expected in crc32.items():
        path = files.join(directory, name)
        found = _crc32(path)
        if found != expected:
            raise ValueError(
                f"{path} of the teacher cache is corrupt: its CRC-32 is {found}, "
                f"{expected} was written. Delete the file and run again: only it is "
                "made anew."
            )


def to_npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


def _crc32(path: str) -> int:
    crc = 0
    with files.gfile.GFile(path, "rb") as file:
        while chunk := file.read(2**20):
            crc = zlib.crc32(chunk, crc)
    return crc


def _records(path: tf.Tensor, empty: np.ndarray) -> tf.Tensor:
    """uint8 `[rows, bytes]` of a .npy file; `empty` has no rows, else it is alike."""
    # NumPy leaves room for any number of rows, so headers are equally long.
    header = len(to_npy(empty))
    content = tf.io.read_file(path)
    rows = tf.strings.substr(content, header, tf.strings.length(content) - header)
    row_bytes = empty.dtype.itemsize * math.prod(empty.shape[1:])
    return tf.reshape(tf.io.decode_raw(rows, tf.uint8), (-1, row_bytes))


def _in_blocks(rows: tf.Tensor, block: int) -> tf.Tensor:
    """`[rows, bytes]` -> `[blocks, block, bytes]`, zeros at the end."""
    count, row_bytes = tf.shape(rows)[0], rows.shape[1]
    padded = tf.pad(rows, [[0, -count % block], [0, 0]])
    return tf.reshape(padded, (-1, block, row_bytes))
