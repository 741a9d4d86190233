"""Tiny ImageNet: 64x64 pixels, 200 classes."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import prepared, records
from kd_keras.datasets.spec import Dataset, DatasetSpec

_ARCHIVE = "tiny-imagenet-200.zip"
SOURCE = prepared.Source(
    "tiny_imagenet",
    "1.0.0",
    page="http://cs231n.stanford.edu",
    size="237 MiB to fetch, about as much again once prepared",
    official={_ARCHIVE: f"http://cs231n.stanford.edu/{_ARCHIVE}"},
)


def load(
    *,
    data_dir: str | None = None,
    download: bool = False,
    validation_fraction: float = 0.1,
) -> Dataset:
    """Loads Tiny ImageNet. Its official validation split is the test split.

    Args:
      data_dir: where tiny-imagenet-200.zip is, or the prepared data set; None is
        TFDS's own default.
      download: whether a missing archive may be fetched.
      validation_fraction: share of the official training split, in (0, 1), that is
        kept for validation.

    Returns:
      The spec, without attributes, and the splits. A class is named by its WordNet id
      and a word.

    Raises:
      ValueError: if the data set is not there, a file is not intact, or an option is
        not allowed.
    """

    def make_builder(root: str) -> Any:
        from kd_keras.datasets.tiny_imagenet.builder import TinyImagenet

        return TinyImagenet(archive=files.join(root, _ARCHIVE), data_dir=root)

    builder = prepared.open_builder(
        SOURCE, make_builder, data_dir=data_dir, download=download
    )
    shape = (64, 64, 3)
    spec = DatasetSpec(
        name="tiny_imagenet",
        features={"image": tf.TensorSpec(shape, tf.uint8)},
        label="label",
        class_names=tuple(builder.info.features["label"].names),
        groups={},
    )

    def convert(raw: Mapping[str, Any]) -> records.Example:
        image = tf.ensure_shape(records.decode(raw["image"]), shape)
        return {"image": image, "label": raw["label"], "id": raw["id"]}

    parts = {**records.carve(builder, validation_fraction), "test": "validation"}
    return records.read_all(builder, parts, spec, convert)
