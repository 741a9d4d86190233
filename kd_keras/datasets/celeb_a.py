"""CelebA: does the person smile? With the attributes Young and Male."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras.datasets import prepared, records
from kd_keras.datasets.spec import Dataset, DatasetSpec

SOURCE = prepared.Source(
    "celeb_a",
    "2.1.0",
    page="http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    size="1.4 GiB to fetch, 1.6 GiB prepared",
)
# Group 0 is where the attribute does not hold.
GROUPS = {"Young": ("not young", "young"), "Male": ("not male", "male")}


def load(
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_size: int = 128,
    undersample: bool = True,
    seed: int = 0,
) -> Dataset:
    """Loads CelebA with its official splits.

    Args:
      data_dir: where TFDS keeps data sets; None is TFDS's own default.
      download: whether a missing data set may be fetched.
      image_size: side of the images in pixels; the middle 178x178 is resized to it.
      undersample: leave out examples of the over-represented class in training, at
        random, until both classes have equally many.
      seed: seed of the undersampling, from 0 on.

    Returns:
      The spec, with the attributes "Young" and "Male", and the splits.

    Raises:
      ValueError: if the data set is not there, or an option is not allowed.
    """

    def make_builder(root: str) -> Any:
        import tensorflow_datasets as tfds

        return tfds.builder(f"celeb_a:{SOURCE.version}", data_dir=root)

    builder = prepared.open_builder(
        SOURCE, make_builder, data_dir=data_dir, download=download
    )
    spec = DatasetSpec(
        name="celeb_a",
        features={"image": tf.TensorSpec((image_size, image_size, 3), tf.uint8)},
        label="Smiling",
        class_names=("not smiling", "smiling"),
        groups=GROUPS,
    )

    def convert(raw: Mapping[str, Any]) -> records.Example:
        square = records.resize_and_crop(records.decode(raw["image"]), image_size, 1.0)
        names = (spec.label, *spec.groups)
        found = {name: raw[f"attributes/{name}"] for name in names}
        return {"image": square, **found, "id": raw["record"]}

    keep = {"train": _balanced(builder, spec.label, seed)} if undersample else {}
    return Dataset(
        spec,
        {
            split: records.read(builder, split, spec, convert, keep=keep.get(split))
            for split in ("train", "validation", "test")
        },
    )


def _balanced(builder: Any, label: str, seed: int) -> np.ndarray:
    """Which of the training records to keep, bool `[records]`."""
    labels = records.column(builder, "train", f"attributes/{label}")
    counts = np.bincount(labels, minlength=2)
    larger = int(counts.argmax())
    surplus = np.random.default_rng(seed).choice(
        np.flatnonzero(labels == larger), counts.max() - counts.min(), replace=False
    )
    keep = np.ones(len(labels), bool)
    keep[surplus] = False
    return keep
