"""Noise and missing values in the features of a table."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec

# Standard deviation of the noise, in those of the training split, at severities 1 to 5.
NOISE = (0.1, 0.25, 0.5, 0.75, 1.0)
# Share of the values that are missing.
MISSING = (0.05, 0.1, 0.2, 0.35, 0.5)
# What stands for a missing category: of `kd_keras.datasets.table`, of Adult.
_NO_CATEGORY = (b"", b"?")


class Training(NamedTuple):
    """What is known of the training split.

    Attributes:
      mean: floating feature -> float64 of its shape.
      sd: as `mean`, with n - 1 in the denominator; 0 of a single example.
      missing: string feature -> what stands for a missing category.
    """

    mean: Mapping[str, np.ndarray]
    sd: Mapping[str, np.ndarray]
    missing: Mapping[str, bytes]


def training(examples: tf.data.Dataset, spec: DatasetSpec) -> Training:
    """Reads what `corrupt` needs to know of the training split, in one pass.

    Args:
      examples: single examples, dicts under the spec's keys.
      spec: names of the features.
    """
    numbers = [k for k, f in spec.features.items() if f.dtype.is_floating]
    texts = [k for k, f in spec.features.items() if f.dtype == tf.string]
    count, found = 0, dict.fromkeys(texts, b"")
    mean = {k: np.zeros(spec.features[k].shape) for k in numbers}
    squares = {k: np.zeros(spec.features[k].shape) for k in numbers}
    seen: dict[str, set[bytes]] = {key: set() for key in texts}
    for batch in examples.batch(4096).as_numpy_iterator():
        size = len(batch[spec.label])
        for key in numbers:
            values = batch[key].astype(np.float64)
            here = values.mean(axis=0)
            # Chan, Golub & LeVeque 1983: exact also where the mean is far from 0.
            apart = here - mean[key]
            squares[key] += ((values - here) ** 2).sum(axis=0)
            squares[key] += apart**2 * count * size / (count + size)
            mean[key] = mean[key] + apart * size / (count + size)
        for key in texts:
            seen[key].update(set(_NO_CATEGORY).intersection(batch[key].ravel()))
        count += size
    for key in texts:
        found[key] = next((v for v in _NO_CATEGORY if v in seen[key]), b"")
    sd = {key: np.sqrt(value / max(count - 1, 1)) for key, value in squares.items()}
    return Training(mean, sd, found)


def feature_noise(
    example: dict[str, np.ndarray],
    severity: int,
    known: Training,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Every number with Gaussian noise; what says that one is missing stays."""
    changed = {}
    for key, sd in known.sd.items():
        if flagged(key, known):
            continue
        noise = rng.normal(size=np.shape(sd)) * sd * NOISE[severity - 1]
        changed[key] = (example[key] + noise).astype(example[key].dtype)
    return changed


def missing_values(
    example: dict[str, np.ndarray],
    severity: int,
    known: Training,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Values that are not known, as the table's reader gives them.

    A number becomes the training mean, and the feature that says that it is missing, if
    there is one, 1; a category becomes the missing one.
    """
    changed: dict[str, np.ndarray] = {}
    rate = MISSING[severity - 1]
    for key, mean in known.mean.items():
        if flagged(key, known):
            continue
        absent = rng.random(np.shape(mean)) < rate
        changed[key] = np.where(absent, mean, example[key]).astype(example[key].dtype)
        flag = f"{key}_missing"
        if flag in known.mean:
            changed[flag] = np.where(absent, 1, example[flag]).astype(np.float32)
    for key, nothing in known.missing.items():
        absent = rng.random(np.shape(example[key])) < rate
        changed[key] = np.where(absent, nothing, example[key]).astype(object)
    return changed


def flagged(key: str, known: Training) -> bool:
    """Whether a feature says of another one that it is missing."""
    column = key.removesuffix("_missing")
    return column != key and column in known.mean
