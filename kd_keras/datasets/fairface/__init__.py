"""FairFace: is the person 40 or older? With race and gender."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kd_keras.datasets import prepared, records
from kd_keras.datasets.fairface.labels import AGES, GENDERS, RACES
from kd_keras.datasets.spec import Dataset, DatasetSpec

VERSION = "1.0.0"
OFFICIAL = ("fairface_label_train.csv", "fairface_label_val.csv", "train", "val")


def load(
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_size: int = 64,
    validation_fraction: float = 0.1,
) -> Dataset:
    """Loads FairFace. Its official validation split is the test split.

    Args:
      data_dir: where the official label files and the unpacked folders of images,
        train/ and val/, are, or the prepared data set; None is TFDS's own default.
      download: changes nothing: the files can only be fetched by hand.
      image_size: side of the images in pixels; they are resized when prepared.
      validation_fraction: share of the official training split, in (0, 1), that is
        kept for validation.

    Returns:
      The spec, with the attributes "race" and "gender" as annotators saw them, and
      the splits.

    Raises:
      ValueError: if the data set is not there, a file is not intact, or an option is
        not allowed.
    """

    def make_builder(root: str) -> Any:
        from kd_keras.datasets.fairface.builder import Fairface, FairfaceConfig

        config = FairfaceConfig(image_size)
        return Fairface(directory=root, config=config, data_dir=root)

    source = prepared.Source(
        "fairface",
        VERSION,
        page="https://github.com/joojs/fairface",
        size="about 550 MiB with images of margin 0.25; unpack the images' archive",
        official=dict.fromkeys(OFFICIAL, ""),
        config=f"{image_size}px",
    )
    builder = prepared.open_builder(
        source, make_builder, data_dir=data_dir, download=download
    )
    shape = (image_size, image_size, 3)
    spec = DatasetSpec(
        name="fairface",
        features={"image": tf.TensorSpec(shape, tf.uint8)},
        label="age",
        class_names=("below 40", "40 or older"),
        groups={"race": RACES, "gender": GENDERS},
    )

    def convert(raw: Mapping[str, Any]) -> records.Example:
        return {
            "image": tf.ensure_shape(records.decode(raw["image"]), shape),
            "age": tf.cast(raw["age"] >= AGES.index("40-49"), tf.int64),
            "race": raw["race"],
            "gender": raw["gender"],
            "id": raw["id"],
        }

    parts = {**records.carve(builder, validation_fraction), "test": "validation"}
    return records.read_all(builder, parts, spec, convert)
