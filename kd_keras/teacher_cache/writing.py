"""Runs a teacher over a split once and keeps its logits."""

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import augment
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.distiller.heads import split
from kd_keras.distiller.settings import output_activations
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.teacher_cache.hidden import HiddenStates, head_arrays
from kd_keras.teacher_cache.identity import (
    Identity,
    block_size,
    describe,
    example_keys,
    shard_names,
)
from kd_keras.teacher_cache.precision import computing_in
from kd_keras.teacher_cache.reading import TeacherCache, to_npy, verify
from kd_keras.teacher_cache.storage import Dense, Storage

# Examples in a file: what a killed build computes again at most.
SHARD_EXAMPLES = 4096
MANIFEST = "cache.json"


def build(
    directory: str,
    teacher: Any,
    examples: tf.data.Dataset,
    spec: DatasetSpec,
    *,
    storage: str | Storage = "float16",
    augmentation: str = "",
    seed: int = 0,
    views: int = 1,
    batch_size: int = 256,
    precision: str = "float32",
    progress: Callable[[int], None] | None = None,
) -> TeacherCache:
    """Makes the cache of a teacher for a split, or opens the one that is there.

    A build that was killed goes on with the first file that is missing. One process
    at a time may build in a directory.

    Args:
      directory: where the cache is or shall be: one per teacher and split.
      teacher: as in a Distiller, with one output: logits of a fixed shape. For
        `HiddenStates` a Functional or Sequential model that ends in a Dense layer or
        in its reversed embedding.
      examples: single examples under the spec's keys, of known number, in an order
        that is the same in every iteration.
      spec: the data set's spec.
      storage: "float32", "float16", a `TopK`, `SampledIds` or `HiddenStates`.
      augmentation: key of `augment.AUGMENTATIONS`, for what the teacher sees; "" is
        none.
      seed: seed of the augmentation. Views 0, 1, ... are those that
        `training_batches` with this seed serves in epochs 0, 1, ...
      views: number of augmented views of each example.
      batch_size: examples that the teacher sees at a time.
      precision: what the teacher's layers compute in, but for those that may read raw
        numbers and the last one with weights: "float32" or, of a Functional or
        Sequential model, "bfloat16", which is faster where a processor has AMX. The
        largest difference from float32 in the outputs for the first batch is
        `largest_difference` of the cache.
      progress: called with the number of examples in each batch that is done.

    Raises:
      ValueError: if an argument is not as described, the directory holds a cache that
        was made from something else, or a file of it is corrupt.
    """
    storage = Dense(storage) if isinstance(storage, str) else storage
    _check_arguments(teacher, examples, augmentation, views)
    known = fingerprint([Teacher(teacher)])
    identity = _identity(
        known, examples, spec, storage, augmentation, seed, views, precision
    )
    shards = _Shards(directory, identity, storage)
    if isinstance(storage, HiddenStates):
        parts = split(teacher, "teacher")
        shards.write_head(head_arrays(parts.head))
        teacher = parts.hidden
    with computing_in(precision, teacher):
        teach = _teaching(Teacher(teacher))
        for view in range(views):
            for missing in shards.missing(view):
                part = examples.skip(missing[0] * SHARD_EXAMPLES)
                part = part.take(len(missing) * SHARD_EXAMPLES)
                batches = _batches(part, spec, identity, view, batch_size)
                rows = _regroup(_rows(batches, teach, shards.encode, progress))
                for shard, (keys, encoded) in zip(missing, rows, strict=True):
                    shards.write(shard, view, keys, encoded)
    verify(directory, shards.crc32)
    if precision != "float32" and shards.largest_difference is None:
        (first,) = _batches(examples, spec, identity, 0, batch_size).take(1)
        shards.keep_difference(_difference(teacher, first[1], precision))
    return shards.cache(spec)


def reopen(
    directory: str,
    teacher_fingerprint: str,
    examples: tf.data.Dataset,
    spec: DatasetSpec,
    *,
    storage: str | Storage = "float16",
    augmentation: str = "",
    seed: int = 0,
    views: int = 1,
    precision: str = "float32",
) -> TeacherCache | None:
    """The cache that `build` made, without its teacher; None if files are missing.

    Args:
      directory: of the cache.
      teacher_fingerprint: `Distiller.teacher_fingerprint` of its teacher.
      examples, spec, storage, augmentation, seed, views, precision: as of `build`.

    Raises:
      ValueError: if it was made from something else, or a file of it is corrupt.
    """
    storage = Dense(storage) if isinstance(storage, str) else storage
    identity = _identity(
        teacher_fingerprint,
        examples,
        spec,
        storage,
        augmentation,
        seed,
        views,
        precision,
    )
    shards = _Shards(directory, identity, storage)
    if any(missing for view in range(views) for missing in shards.missing(view)):
        return None
    verify(directory, shards.crc32)
    return shards.cache(spec)


def _identity(
    teacher: str,
    examples: tf.data.Dataset,
    spec: DatasetSpec,
    storage: Storage,
    augmentation: str,
    seed: int,
    views: int,
    precision: str,
) -> Identity:
    return Identity(
        teacher=teacher,
        dataset=spec.name,
        features=describe(spec),
        examples=int(examples.cardinality()),
        storage=repr(storage),
        augmentation=augmentation,
        seed=seed if augmentation else 0,
        views=views,
        shard_examples=SHARD_EXAMPLES,
        precision=precision,
    )


class _Shards:
    """The files of a cache, and cache.json, which says what is in them."""

    def __init__(self, directory: str, identity: Identity, storage: Storage):
        self.directory = directory
        self.identity = identity
        self.storage = storage
        self.outputs: list[int] = []
        self.crc32: dict[str, int] = {}
        self.largest_difference: float | None = None
        path = files.join(directory, MANIFEST)
        if files.exists(path):
            manifest = files.read_json(path)
            identity.require_equal(manifest["identity"], directory)
            self.outputs, self.crc32 = manifest["outputs"], manifest["crc32"]
            self.largest_difference = manifest.get("largest_difference")

    def missing(self, view: int) -> Iterator[list[int]]:
        """The shards that are to be made, in runs of successive ones."""
        there: set[str] = set()
        if self.crc32:
            there = self.crc32.keys() & set(files.gfile.listdir(self.directory))

        def is_there(shard: int) -> bool:
            return there.issuperset(shard_names(shard, view))

        for found, run in itertools.groupby(range(self.identity.shards), is_there):
            if not found:
                yield list(run)

    def encode(self, logits: np.ndarray) -> np.ndarray:
        """Float32 `[rows, ...]` as in a file: a shard's logits may fit no memory."""
        self.outputs = list(logits.shape[1:])
        return self.storage.encode(logits)

    def write(self, shard: int, view: int, keys: np.ndarray, rows: np.ndarray) -> None:
        """Keeps the keys uint8 `[rows, 16]` and the encoded rows of a shard."""
        keys_name, logits_name = shard_names(shard, view)
        content = to_npy(keys.view("<u8"))
        if self.crc32.get(keys_name, zlib.crc32(content)) != zlib.crc32(content):
            raise ValueError(
                f"`examples` must be those that {keys_name} in {self.directory} was "
                "made from, in the same order. Received: other ids or features. Use "
                "another directory for them."
            )
        self._write(keys_name, content)
        self._write(logits_name, to_npy(rows))
        self._name_files()

    def write_head(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Keeps the teacher's head, where it is not there."""
        for name, array in arrays.items():
            there = files.exists(files.join(self.directory, name))
            if name not in self.crc32 or not there:
                self._write(name, to_npy(array))
                self._name_files()

    def keep_difference(self, largest: float) -> None:
        """Keeps how far the outputs are from those in float32, at most."""
        self.largest_difference = largest
        self._name_files()

    def cache(self, spec: DatasetSpec) -> TeacherCache:
        """What the files are read by, once all are there."""
        return TeacherCache(
            self.directory,
            self.identity,
            self.outputs,
            spec,
            self.storage,
            self.largest_difference,
        )

    def _name_files(self) -> None:
        manifest: dict[str, Any] = {
            "identity": self.identity.to_json(),
            "outputs": self.outputs,
            "crc32": self.crc32,
        }
        if self.largest_difference is not None:
            manifest["largest_difference"] = self.largest_difference
        # Last: a file counts once it is named there.
        files.write_json(files.join(self.directory, MANIFEST), manifest)

    def _write(self, name: str, content: bytes) -> None:
        files.write_bytes(files.join(self.directory, name), content)
        self.crc32[name] = zlib.crc32(content)


def _batches(
    examples: tf.data.Dataset,
    spec: DatasetSpec,
    identity: Identity,
    view: int,
    batch_size: int,
) -> tf.data.Dataset:
    """Batches (keys of the examples, what the teacher sees of them in a view)."""
    change = augment.view(identity.augmentation, examples, spec)
    now = tf.constant(view, tf.int64)
    keyed = examples.batch(block_size(examples))
    keyed = keyed.map(lambda block: (example_keys(block, spec), block)).unbatch()
    seen = keyed.map(
        lambda key, example: (key, spec.inputs(change(example, identity.seed, now))),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    return without_autotune(seen.batch(batch_size).prefetch(2))


def _teaching(teacher: Teacher) -> Callable[[Any], tf.Tensor]:
    def logits(x: Any) -> tf.Tensor:
        outputs = teacher(x)
        if keras.tree.is_nested(outputs):
            raise ValueError(
                "`teacher` must have one output. Received: a teacher with the outputs "
                f"{outputs}. Make a model with one of them."
            )
        return tf.cast(outputs, tf.float32)

    return tf.function(logits, autograph=False, reduce_retracing=True)


def _difference(teacher: Any, inputs: Any, precision: str) -> float:
    """The largest difference between outputs in this precision and in float32."""
    found = []
    for each in (precision, "float32"):
        with computing_in(each, teacher):
            found.append(_teaching(Teacher(teacher))(inputs).numpy())
    return float(np.abs(np.subtract(*found)).max())


def _rows(
    batches: tf.data.Dataset,
    teach: Callable[[Any], tf.Tensor],
    encode: Callable[[np.ndarray], np.ndarray],
    progress: Callable[[int], None] | None,
) -> Iterator[list[np.ndarray]]:
    for number, (keys, inputs) in enumerate(batches):
        logits = teach(inputs).numpy()
        finite = np.isfinite(logits).reshape(len(logits), -1).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"`teacher` gives NaN or Inf in batch {number} of {len(logits)} "
                f"examples that are written now, first in its row {finite.argmin()}. "
                "Look at its inputs, and at how the teacher was trained."
            )
        yield [keys.numpy(), encode(logits)]
        if progress:
            progress(len(keys))


def _regroup(batches: Iterator[list[np.ndarray]]) -> Iterator[list[np.ndarray]]:
    """Arrays of SHARD_EXAMPLES rows out of batches; the last ones may be shorter."""
    held = None
    for batch in batches:
        if held is not None:
            batch = [np.concatenate(pair) for pair in zip(held, batch, strict=True)]
        held = batch
        while len(held[0]) >= SHARD_EXAMPLES:
            yield [part[:SHARD_EXAMPLES] for part in held]
            held = [part[SHARD_EXAMPLES:] for part in held]
    if held is not None and len(held[0]):
        yield held


def _check_arguments(
    teacher: Any, examples: tf.data.Dataset, augmentation: str, views: int
) -> None:
    if int(examples.cardinality()) < 1:
        raise ValueError(
            "`examples` must have a known number of elements, at least one. Received: "
            f"cardinality {int(examples.cardinality())}. Apply "
            "tf.data.experimental.assert_cardinality to them."
        )
    if views < 1 or (views > 1 and not augmentation):
        raise ValueError(
            "`views` must be 1, or more with an augmentation: without one all views "
            f"are equal. Received: views={views}, augmentation={augmentation!r}."
        )
    is_model = isinstance(teacher, keras.Model)
    for layer, activation in output_activations(teacher) if is_model else ():
        if activation in ("softmax", "sigmoid"):
            raise ValueError(
                f"`teacher` must give logits. Received: {teacher.name!r}, whose output "
                f"layer {layer!r} applies {activation}. Put keras.ops.log behind a "
                "softmax, log(p) - log(1 - p) behind a sigmoid, or take it off."
            )
