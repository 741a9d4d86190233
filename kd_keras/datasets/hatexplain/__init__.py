"""HateXplain: is a post toxic? With the race and gender that it is about."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kd_keras.datasets import prepared, records
from kd_keras.datasets.hatexplain.rules import COMMUNITIES
from kd_keras.datasets.spec import Dataset, DatasetSpec

_PAGE = "https://github.com/hate-alert/HateXplain"
_FILES = f"{_PAGE}/raw/master/Data"
SOURCE = prepared.Source(
    "hatexplain",
    "1.0.0",
    page=f"{_PAGE}/tree/master/Data",
    size="13 MiB to fetch, 4 MiB once prepared",
    official={
        name: f"{_FILES}/{name}" for name in ("dataset.json", "post_id_divisions.json")
    },
)


def load(*, data_dir: str | None = None, download: bool = False) -> Dataset:
    """Loads HateXplain with its official splits.

    A post is toxic if the majority of its three annotators says hatespeech, or the
    majority says offensive; a post without a majority is left out. An attribute's
    group is the community that at least two annotators name; it is missing where they
    name none, or several.

    Args:
      data_dir: where dataset.json and post_id_divisions.json are, or the prepared
        data set; None is TFDS's own default.
      download: whether missing files may be fetched.

    Returns:
      The spec, with the feature "text", a string scalar, and the attributes "race"
      and "gender", and the splits.

    Raises:
      ValueError: if the data set is not there, or a post is not allowed.
    """

    def make_builder(root: str) -> Any:
        from kd_keras.datasets.hatexplain.builder import Hatexplain

        return Hatexplain(directory=root, data_dir=root)

    builder = prepared.open_builder(
        SOURCE, make_builder, data_dir=data_dir, download=download
    )
    spec = DatasetSpec(
        name="hatexplain",
        features={"text": tf.TensorSpec((), tf.string)},
        label="label",
        class_names=("normal", "toxic"),
        groups=COMMUNITIES,
    )
    keys = (*spec.features, spec.label, *spec.groups, spec.example_id)

    def convert(raw: Mapping[str, Any]) -> records.Example:
        return {key: raw[key] for key in keys}

    parts = {split: split for split in ("train", "validation", "test")}
    return records.read_all(builder, parts, spec, convert)
