"""CIFAR-10, CIFAR-100, SVHN and ImageNet, as TensorFlow Datasets prepares them."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from kd_keras.datasets import prepared, records
from kd_keras.datasets.spec import Dataset, DatasetSpec

_ILSVRC = "downloads/manual/ILSVRC2012_img_{}.tar"

SOURCES = {
    "cifar10": prepared.Source(
        "cifar10",
        "3.0.2",
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        size="162 MiB to fetch, 132 MiB prepared",
    ),
    "cifar100": prepared.Source(
        "cifar100",
        "3.0.2",
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        size="161 MiB to fetch, 132 MiB prepared",
    ),
    "svhn_cropped": prepared.Source(
        "svhn_cropped",
        "3.1.0",
        page="http://ufldl.stanford.edu/housenumbers/",
        size="1.5 GiB to fetch, about as much prepared",
    ),
    "imagenet2012": prepared.Source(
        "imagenet2012",
        "5.1.0",
        page="https://image-net.org/download-images",
        size="144 GiB, 156 GiB more once prepared; a registration is needed",
        official={_ILSVRC.format(part): "" for part in ("train", "val")},
    ),
}


def load_small(
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    validation_fraction: float = 0.1,
) -> Dataset:
    """Loads CIFAR-10, CIFAR-100 or SVHN, 32x32 pixels, with their official test split.

    Args:
      name: "cifar10", "cifar100" or "svhn_cropped".
      data_dir: where TFDS keeps data sets; None is TFDS's own default.
      download: whether a missing data set may be fetched.
      validation_fraction: share of the official training split, in (0, 1), that is
        kept for validation.

    Returns:
      The spec, without attributes, and the splits.

    Raises:
      ValueError: if the data set is not there, or an option is not allowed.
    """
    builder = open_builder(name, data_dir, download)
    spec = spec_of(name, builder, 32)
    parts = {**records.carve(builder, validation_fraction), "test": "test"}
    return records.read_all(builder, parts, spec, convert_small)


def convert_small(raw: Mapping[str, Any]) -> records.Example:
    """An example of a record of CIFAR or SVHN."""
    image = tf.ensure_shape(records.decode(raw["image"]), (32, 32, 3))
    return {"image": image, "label": raw["label"], "id": raw["id"]}


def load_imagenet(
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_size: int = 224,
    validation_fraction: float = 0.01,
) -> Dataset:
    """Loads ImageNet (ILSVRC 2012). Its official validation split is the test split.

    The images of "train" are as large as they were taken, for the augmentation
    "resized_crop_flip". Those of the other splits are resized to 256/224 of
    `image_size` at the shorter side and cropped in the middle (He et al. 2016).

    Args:
      data_dir: where TFDS keeps data sets, with the official archives in
        downloads/manual/; None is TFDS's own default.
      download: changes nothing: the archives can only be fetched by hand.
      image_size: side of the model's images in pixels.
      validation_fraction: share of the official training split, in (0, 1), that is
        kept for validation.

    Returns:
      The spec, without attributes, and the splits.

    Raises:
      ValueError: if the data set is not there, or an option is not allowed.
    """
    builder = open_builder("imagenet2012", data_dir, download)
    spec = spec_of("imagenet2012", builder, image_size)

    def convert(size: int | None) -> Callable[[Mapping[str, Any]], records.Example]:
        def converted(raw: Mapping[str, Any]) -> records.Example:
            image = records.decode(raw["image"])
            if size:
                image = records.resize_and_crop(image, size)
            return {"image": image, "label": raw["label"], "id": raw["file_name"]}

        return converted

    parts = {**records.carve(builder, validation_fraction), "test": "validation"}
    return Dataset(
        spec,
        {
            split: records.read(
                builder, part, spec, convert(None if split == "train" else image_size)
            )
            for split, part in parts.items()
        },
    )


def open_builder(name: str, data_dir: str | None, download: bool) -> Any:
    """The TFDS builder of one of SOURCES, prepared; see `prepared.open_builder`."""

    def make_builder(root: str) -> Any:
        import tensorflow_datasets as tfds

        return tfds.builder(f"{name}:{SOURCES[name].version}", data_dir=root)

    return prepared.open_builder(
        SOURCES[name], make_builder, data_dir=data_dir, download=download
    )


def spec_of(
    name: str,
    builder: Any,
    size: int,
    groups: Mapping[str, tuple[str, ...]] | None = None,
) -> DatasetSpec:
    """The spec of square images of this size, with the classes of a builder."""
    return DatasetSpec(
        name=name,
        features={"image": tf.TensorSpec((size, size, 3), tf.uint8)},
        label="label",
        class_names=tuple(builder.info.features["label"].names),
        groups=dict(groups or {}),
    )
