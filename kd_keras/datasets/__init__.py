"""Data sets with their sensitive attributes."""

import importlib
from typing import Any

from kd_keras.datasets.spec import Dataset, DatasetSpec

# Name -> module with `load(**options) -> Dataset`, imported on use.
DATASETS = {
    "trifeature": "kd_keras.datasets.trifeature",
}


def load(name: str, **options: Any) -> Dataset:
    """Loads the data set `name`.

    Args:
      name: a key of `DATASETS`.
      **options: arguments of the `load` function of the data set's module.

    Returns:
      The spec, and the splits "train", "validation" and "test".

    Raises:
      ValueError: if there is no such data set, or an option is not allowed.
    """
    if name not in DATASETS:
        raise ValueError(
            f"Unknown data set {name!r}. Available: {', '.join(sorted(DATASETS))}."
        )
    return importlib.import_module(DATASETS[name]).load(**options)


__all__ = ["DATASETS", "Dataset", "DatasetSpec", "load"]
