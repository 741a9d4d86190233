"""Data sets with their sensitive attributes."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from kd_keras.datasets import (
    adult,
    celeb_a,
    fairface,
    hatexplain,
    images,
    tiny_imagenet,
    trifeature,
)
from kd_keras.datasets.spec import Dataset, DatasetSpec

DATASETS: dict[str, Callable[..., Dataset]] = {
    "adult": adult.load,
    "celeb_a": celeb_a.load,
    "cifar10": functools.partial(images.load_small, "cifar10"),
    "cifar100": functools.partial(images.load_small, "cifar100"),
    "fairface": fairface.load,
    "hatexplain": hatexplain.load,
    "imagenet2012": images.load_imagenet,
    "svhn_cropped": functools.partial(images.load_small, "svhn_cropped"),
    "tiny_imagenet": tiny_imagenet.load,
    "trifeature": trifeature.load,
}


def load(name: str, **options: Any) -> Dataset:
    """Loads the data set `name`.

    Args:
      name: a key of `DATASETS`.
      **options: arguments of the data set's `load` function.

    Returns:
      The spec, and the splits "train", "validation" and "test".

    Raises:
      ValueError: if there is no such data set, it is not there, or an option is not
        allowed.
    """
    if name not in DATASETS:
        raise ValueError(
            f"Unknown data set {name!r}. Available: {', '.join(sorted(DATASETS))}."
        )
    load_one = DATASETS[name]
    parameters = inspect.signature(load_one).parameters
    unknown = sorted(options.keys() - parameters.keys())
    if unknown and "options" not in parameters:
        raise ValueError(
            f"Unknown options of the data set {name!r}: {', '.join(unknown)}. "
            f"Available: {', '.join(parameters)}."
        )
    return load_one(**options)


__all__ = ["DATASETS", "Dataset", "DatasetSpec", "load"]
