"""CIFAR whose training examples are skewed, so that there is something to mend."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras.datasets import images, records
from kd_keras.datasets.spec import Dataset

# Indices in the groups of "color".
COLOR, GRAY = 0, 1


def load_cifar10s(
    *,
    data_dir: str | None = None,
    download: bool = False,
    validation_fraction: float = 0.1,
    skew: float = 0.95,
    seed: int = 0,
) -> Dataset:
    """Loads CIFAR-10S: in training the color goes with the class, else it does not.

    Of the first five classes (airplane to deer) a share of `skew` of the training
    images is colored and the others are gray; of the last five (dog to truck) the other
    way round. So half of all training images are gray. Validation and test have every
    image twice, colored and gray, so that a model that reads the color errs there.

    The images are those of CIFAR-10, made gray by ITU-R BT.601 luma. Which ones are
    gray is drawn for each by its id and the seed.

    Args:
      data_dir: where TFDS keeps CIFAR-10; None is TFDS's own default.
      download: whether a missing CIFAR-10 may be fetched.
      validation_fraction: share of the official training split, in (0, 1), that is
        kept for validation.
      skew: share of the images of a class that have its color, in [0, 1]. 0.5 is no
        skew.
      seed: of the draw, from 0 on.

    Returns:
      The spec, with the attribute "color", and the splits.

    Raises:
      ValueError: if CIFAR-10 is not there, or an option is not allowed.

    Reference:
      Wang et al., "Towards Fairness in Visual Recognition", CVPR 2020, section 3.
    """
    if not 0 <= skew <= 1:
        raise ValueError(f"`skew` must be a number in [0, 1]. Received: skew={skew!r}.")
    if type(seed) is not int or seed < 0:
        raise ValueError(
            f"`seed` must be a whole number from 0 on. Received: {seed!r}."
        )
    builder = images.open_builder("cifar10", data_dir, download)
    groups = {"color": ("color", "gray")}
    spec = images.spec_of("cifar10s", builder, 32, groups)
    parts = {**records.carve(builder, validation_fraction), "test": "test"}

    def skewed(raw: Mapping[str, Any]) -> tf.Tensor:
        usual = tf.where(raw["label"] < spec.num_classes // 2, COLOR, GRAY)
        draw = _uniform(raw["id"], seed)
        return tf.where(draw < skew, usual, COLOR + GRAY - usual)

    splits = {}
    for split, part in parts.items():
        if split == "train":
            splits[split] = records.read(builder, part, spec, _drawn(skewed))
        else:
            colored, gray = (
                records.read(builder, part, spec, _drawn(_always(color), twice=True))
                for color in (COLOR, GRAY)
            )
            splits[split] = colored.concatenate(gray)
    return Dataset(spec, splits)


def load_cifar100lt(
    *,
    data_dir: str | None = None,
    download: bool = False,
    validation_fraction: float = 0.1,
    imbalance: float = 100.0,
) -> Dataset:
    """Loads CIFAR-100-LT: the classes get exponentially rarer in training.

    Of class c of C, n / imbalance^(c / (C - 1)) training images are kept, rounded down,
    where n is the mean number in a class; the first ones in the stored order, which is
    that of a hash. Validation and test stay as they are.

    Args:
      data_dir: where TFDS keeps CIFAR-100; None is TFDS's own default.
      download: whether a missing CIFAR-100 may be fetched.
      validation_fraction: share of the official training split, in (0, 1), that is
        kept for validation. Published results train on all of it.
      imbalance: how many times as many examples as the last class the first one has,
        from 1 on.

    Returns:
      The spec, without attributes, and the splits.

    Raises:
      ValueError: if CIFAR-100 is not there, or an option is not allowed.

    Reference:
      Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin
      Loss", NeurIPS 2019, section 4 and appendix C.
    """
    if not 1 <= imbalance < float("inf"):
        raise ValueError(
            "`imbalance` must be a number from 1 on. Received: "
            f"imbalance={imbalance!r}. 100 is a usual one."
        )
    builder = images.open_builder("cifar100", data_dir, download)
    spec = images.spec_of("cifar100lt", builder, 32)
    parts = {**records.carve(builder, validation_fraction), "test": "test"}
    labels = records.column(builder, parts["train"], "label")
    kept = {"train": long_tail(labels, spec.num_classes, imbalance)}
    return Dataset(
        spec,
        {
            split: records.read(
                builder, part, spec, images.convert_small, keep=kept.get(split)
            )
            for split, part in parts.items()
        },
    )


def long_tail(labels: np.ndarray, num_classes: int, imbalance: float) -> np.ndarray:
    """Which examples a long tail keeps, bool `[examples]`.

    Args:
      labels: classes `[examples]`.
      num_classes: number of classes.
      imbalance: see `load_cifar100lt`.

    Raises:
      ValueError: if nothing would be left of a class.
    """
    exponents = np.arange(num_classes) / (num_classes - 1)
    # Of whole numbers the power may be a little below.
    sizes = np.floor(
        len(labels) / num_classes * float(imbalance) ** -exponents + 1e-9
    ).astype(int)
    if sizes[-1] < 1:
        raise ValueError(
            f"`imbalance` leaves nothing of the last class. Received: imbalance="
            f"{imbalance!r} of {len(labels) / num_classes:g} examples a class. Give at "
            "most that number."
        )
    keep = np.zeros(len(labels), bool)
    for label, size in enumerate(sizes):
        keep[np.flatnonzero(labels == label)[:size]] = True
    return keep


def _drawn(
    color_of: Callable[[Mapping[str, Any]], tf.Tensor], twice: bool = False
) -> Callable[[Mapping[str, Any]], records.Example]:
    """Converts a record to an image of the color that a function gives."""

    def convert(raw: Mapping[str, Any]) -> records.Example:
        example = images.convert_small(raw)
        color = tf.cast(color_of(raw), tf.int64)
        gray = tf.image.rgb_to_grayscale(example["image"])
        example["image"] = tf.where(
            color == GRAY, tf.repeat(gray, 3, axis=-1), example["image"]
        )
        if twice:
            example["id"] += tf.where(color == GRAY, "_gray", "_color")
        return {**example, "color": color}

    return convert


def _always(color: int) -> Callable[[Mapping[str, Any]], tf.Tensor]:
    return lambda raw: tf.constant(color)


def _uniform(key: tf.Tensor, seed: int) -> tf.Tensor:
    """A number in [0, 1) that a string and a seed decide, wherever it is computed."""
    buckets = 2**24
    drawn = tf.strings.to_hash_bucket_strong(key, buckets, [seed, 0x5EED])
    return tf.cast(drawn, tf.float32) / buckets
