"""Adult: does a person earn over 50,000 dollars a year? With sex and race."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kd_keras.datasets import prepared, records
from kd_keras.datasets.adult.columns import CATEGORICAL, GROUPS, INCOMES, NUMERIC
from kd_keras.datasets.spec import Dataset, DatasetSpec

_FILES = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult"
SOURCE = prepared.Source(
    "adult",
    "1.0.0",
    page="https://archive.ics.uci.edu/dataset/2/adult",
    size="6 MiB to fetch, 15 MiB once prepared",
    official={name: f"{_FILES}/{name}" for name in ("adult.data", "adult.test")},
)


def load(
    *,
    data_dir: str | None = None,
    download: bool = False,
    validation_fraction: float = 0.1,
) -> Dataset:
    """Loads UCI Adult with its official test split.

    The features are numbers, float32 scalars, and categories, string scalars, where
    "?" stands for a missing one. Left out are fnlwgt, a weight of the sample, and
    education, which education_num repeats.

    Args:
      data_dir: where adult.data and adult.test are, or the prepared data set; None is
        TFDS's own default.
      download: whether missing files may be fetched.
      validation_fraction: share of the official training split, in (0, 1), that is
        kept for validation.

    Returns:
      The spec, with the attributes "sex" and "race", and the splits.

    Raises:
      ValueError: if the data set is not there, a row is not allowed, or an option is
        not.
    """

    def make_builder(root: str) -> Any:
        from kd_keras.datasets.adult.builder import Adult

        return Adult(directory=root, data_dir=root)

    builder = prepared.open_builder(
        SOURCE, make_builder, data_dir=data_dir, download=download
    )
    spec = DatasetSpec(
        name="adult",
        features={
            **{name: tf.TensorSpec((), tf.float32) for name in NUMERIC},
            **{name: tf.TensorSpec((), tf.string) for name in CATEGORICAL},
        },
        label="income",
        class_names=INCOMES,
        groups=GROUPS,
    )
    keys = (*spec.features, spec.label, *spec.groups, spec.example_id)

    def convert(raw: Mapping[str, Any]) -> records.Example:
        return {key: raw[key] for key in keys}

    parts = {**records.carve(builder, validation_fraction), "test": "test"}
    return records.read_all(builder, parts, spec, convert)
