"""How logits lie in a file: all of them, the k largest, or ids drawn by chance."""

import dataclasses
import math
import zlib
from typing import ClassVar

import numpy as np
import scipy.special
import tensorflow as tf

from kd_keras.losses.top_k import spread_over_classes
from kd_keras.teacher_cache.hidden import HiddenStates

PRECISIONS = ("float32", "float16")
TAILS = ("uniform", "renormalize")
# Logit of a class without probability: softmax gives 0 at any usual temperature.
NO_MASS = -1e9


@dataclasses.dataclass(frozen=True)
class Dense:
    """All logits.

    Attributes:
      precision: "float32", which is exact, or "float16": 2 bytes a class, relative
        error at most 2^-11.
    """

    precision: str = "float16"
    key: ClassVar[str] = "teacher_logits"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"`precision` must be one of {PRECISIONS}. "
                f"Received: precision={self.precision!r}. Choose one of them."
            )

    def encode(self, logits: np.ndarray) -> np.ndarray:
        """Float32 `[rows, ...]` -> `[rows, ...]` as in the file.

        Raises:
          ValueError: if a logit is not finite, or too large for the precision.
        """
        with np.errstate(over="ignore"):
            encoded = logits.astype(np.dtype(self.precision).newbyteorder("<"))
        return _require_finite(encoded, logits)

    def decode(self, rows: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """Rows of a file, uint8 `[rows, bytes]` -> float32 `[rows, *shape]`."""
        kind = tf.as_dtype(self.precision)
        items = tf.reshape(rows, (-1, *shape, kind.size))
        return tf.cast(tf.bitcast(items, kind), tf.float32)


@dataclasses.dataclass(frozen=True)
class TopK:
    """The k largest log probabilities, and the log of what the others sum to.

    They are float16 logarithms at temperature 1, so a missing mass of 1e-9 is kept as
    well as one of 0.1. An example takes 4 k + 2 bytes (6 k + 2 from 65,537 classes
    on).

    Attributes:
      k: number of classes to keep, less than all.
      tail: what the other classes get when read: "uniform" spreads the missing mass
        evenly, "renormalize" gives them none, so that the k share everything.
    """

    k: int
    tail: str = "uniform"
    key: ClassVar[str] = "teacher_logits"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={self.k!r}.")
        if self.tail not in TAILS:
            raise ValueError(
                f"`tail` must be one of {TAILS}. Received: tail={self.tail!r}. "
                "Choose one of them."
            )

    def encode(self, logits: np.ndarray) -> np.ndarray:
        """Float32 `[rows, ..., classes]` -> records `[rows, ...]` as in the file.

        Raises:
          ValueError: if a logit is not finite, or k classes are all or more.
        """
        dtype = self._dtype(logits.shape[-1])
        # What does not fit is refused below, by name.
        with np.errstate(over="ignore", invalid="ignore"):
            log_p = scipy.special.log_softmax(logits.astype(np.float64), axis=-1)
            order = np.argpartition(log_p, -self.k, axis=-1)
            kept, others = order[..., -self.k :], order[..., : -self.k]
            records = np.empty(logits.shape[:-1], dtype)
            records["class"] = kept
            records["log_probability"] = np.take_along_axis(log_p, kept, -1)
            records["log_missing"] = scipy.special.logsumexp(
                np.take_along_axis(log_p, others, -1), axis=-1
            )
        _require_finite(records["log_probability"], logits)
        _require_finite(records["log_missing"], logits)
        return records

    def decode(self, rows: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """Rows of a file, uint8 `[rows, bytes]` -> float32 `[rows, *shape]`.

        The log probabilities are logits of the teacher, shifted.
        """
        *lead, num_classes = shape
        dtype = self._dtype(num_classes)
        records = tf.reshape(rows, (-1, *lead, dtype.itemsize))

        def column(offset: int, count: int, kind: tf.DType) -> tf.Tensor:
            part = records[..., offset : offset + count * kind.size]
            return tf.bitcast(tf.reshape(part, (-1, *lead, count, kind.size)), kind)

        log_p = tf.cast(column(0, self.k, tf.float16), tf.float32)
        missing = tf.cast(column(2 * self.k, 1, tf.float16), tf.float32)
        classes = column(2 * self.k + 2, self.k, tf.as_dtype(dtype["class"].base))
        rest = tf.fill(tf.shape(missing), NO_MASS)
        if self.tail == "uniform":
            rest = missing - math.log(num_classes - self.k)
        return spread_over_classes(log_p, classes, rest, num_classes)

    def _dtype(self, num_classes: int) -> np.dtype:
        if self.k >= num_classes:
            raise ValueError(
                f"`k` must be less than the teacher's {num_classes} classes. Received: "
                f"k={self.k}. Use storage='float16' to keep all."
            )
        return np.dtype(
            [
                ("log_probability", "<f2", (self.k,)),
                ("log_missing", "<f2"),
                ("class", _index_dtype(num_classes), (self.k,)),
            ]
        )


@dataclasses.dataclass(frozen=True)
class SampledIds:
    """Classes drawn from the teacher's distribution at temperature 1.

    Each class is expected to be drawn as often as its probability says. So the gradient
    of "kl" at T = 1 is right on average over seeds, where that of `TopK` is biased
    (Anshumann et al. 2025, Sparse Logit Sampling). Its value is not, for the teacher's
    entropy is that of the draws; nor is the gradient at another T or of another loss.
    The draws of a row are evenly spaced in its cumulated probabilities, behind one
    random start, so the counts vary less than with independent draws: by less than one.
    They depend on `seed` and on the row alone, and are the same in every epoch. An
    example takes 2 * count bytes (4 * count from 65,537 classes on).

    Attributes:
      count: draws for each distribution.
      seed: of the draws.
    """

    count: int
    seed: int = 0
    key: ClassVar[str] = "teacher_logits"

    def __post_init__(self) -> None:
        for name, least in (("count", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"`{name}` must be an integer of {least} or more. Received: "
                    f"{name}={value!r}. Pass one."
                )

    def encode(self, logits: np.ndarray) -> np.ndarray:
        """Float32 `[rows, ..., classes]` -> ids `[rows, ..., count]` as in the file.

        Raises:
          ValueError: if a logit is not finite.
        """
        _require_finite(logits, logits)
        classes = logits.shape[-1]
        rows = np.ascontiguousarray(logits).reshape(-1, classes)
        drawn = np.empty((len(rows), self.count), _index_dtype(classes))
        # One by one: a batch of a vocabulary in float64 would be gigabytes.
        for row, values in enumerate(rows):
            edges = np.cumsum(scipy.special.softmax(values.astype(np.float64)))
            edges /= edges[-1]
            # Of the row alone: a build that was killed draws the same.
            start = np.random.default_rng([self.seed, zlib.crc32(values)]).random()
            points = (start + np.arange(self.count)) / self.count
            # A start of almost 1 may round to the end.
            points = np.minimum(points, np.nextafter(1, 0))
            drawn[row] = np.searchsorted(edges, points, side="right")
        return drawn.reshape(*logits.shape[:-1], self.count)

    def decode(self, rows: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """Rows of a file, uint8 `[rows, bytes]` -> float32 `[rows, *shape]`.

        The logarithms of the shares of the draws; NO_MASS for a class without any.
        """
        num_classes = shape[-1]
        dtype = tf.as_dtype(_index_dtype(num_classes))
        ids = tf.bitcast(tf.reshape(rows, (-1, self.count, dtype.size)), dtype)
        ids = tf.cast(ids, tf.int32)
        which = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, None], tf.shape(ids))
        drawn = tf.scatter_nd(
            tf.stack([which, ids], axis=-1),
            tf.ones(tf.shape(ids)),
            (tf.shape(ids)[0], num_classes),
        )
        log_p = tf.where(drawn > 0, tf.math.log(drawn / self.count), NO_MASS)
        return tf.reshape(log_p, (-1, *shape))


Storage = Dense | TopK | SampledIds | HiddenStates


def _index_dtype(num_classes: int) -> np.dtype:
    return np.dtype("<u2" if num_classes <= 2**16 else "<i4")


def _require_finite(encoded: np.ndarray, logits: np.ndarray) -> np.ndarray:
    if not np.isfinite(encoded).all():
        raise ValueError(
            f"`teacher` gives logits that {encoded.dtype} cannot hold. Received: "
            f"logits from {logits.min()} to {logits.max()}. Use storage='float32' if "
            "they are finite, else mend the teacher."
        )
    return encoded
