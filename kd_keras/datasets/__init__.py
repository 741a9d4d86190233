"""Data sets with their sensitive attributes."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kd_keras import named
from kd_keras.datasets import (
    adult,
    celeb_a,
    cifar_skewed,
    fairface,
    hatexplain,
    images,
    saved,
    table,
    tiny_imagenet,
    trifeature,
)
from kd_keras.datasets.spec import Dataset, DatasetSpec

DATASETS: dict[str, Callable[..., Dataset]] = {
    "adult": adult.load,
    "celeb_a": celeb_a.load,
    "cifar10": functools.partial(images.load_small, "cifar10"),
    "cifar100": functools.partial(images.load_small, "cifar100"),
    "cifar100lt": cifar_skewed.load_cifar100lt,
    "cifar10s": cifar_skewed.load_cifar10s,
    "fairface": fairface.load,
    "hatexplain": hatexplain.load,
    "imagenet2012": images.load_imagenet,
    "svhn_cropped": functools.partial(images.load_small, "svhn_cropped"),
    "table": table.load,
    "tiny_imagenet": tiny_imagenet.load,
    "trifeature": trifeature.load,
}
# Prefix of a name -> what loads the rest of it, as in "tfds:mnist".
PREFIXES: dict[str, Callable[..., Dataset]] = {
    "hf": saved.load_hugging_face,
    "tfds": saved.load_tfds,
}
# Data set -> its sensitive attributes, where they can be known before it is loaded.
ATTRIBUTES: dict[str, Callable[[Mapping[str, Any]], Sequence[str]]] = {
    "adult": lambda options: tuple(adult.GROUPS),
    "celeb_a": lambda options: tuple(celeb_a.GROUPS),
    "cifar10s": lambda options: ("color",),
    "fairface": lambda options: ("race", "gender"),
    "hatexplain": lambda options: tuple(hatexplain.COMMUNITIES),
    "table": lambda options: table.attributes(**options),
    "trifeature": lambda options: trifeature.attributes(**options),
    **dict.fromkeys(
        (
            *("cifar10", "cifar100", "cifar100lt", "imagenet2012"),
            *("svhn_cropped", "tiny_imagenet"),
        ),
        lambda options: (),
    ),
}


def load(name: str, **options: Any) -> Dataset:
    """Loads the data set `name`.

    Args:
      name: a key of `DATASETS`; "tfds:NAME", a data set of TensorFlow Datasets;
        "hf:PATH", a Hugging Face data set that was saved on disk; or
        "module:function", a function of the options that gives a `Dataset`.
      **options: arguments of the data set's `load` function.

    Returns:
      The spec, and the splits "train", "validation" and "test".

    Raises:
      ValueError: if there is no such data set, it is not there, or an option is not
        allowed.
    """
    dataset = loader(name, options)(**options)
    if not isinstance(dataset, Dataset):
        raise ValueError(
            f"The data set {name!r} must give a kd_keras.datasets.Dataset. Received: "
            f"{type(dataset).__name__}."
        )
    missing = [s for s in ("train", "validation", "test") if s not in dataset.splits]
    if missing:
        raise ValueError(
            f"The data set {name!r} must have the splits 'train', 'validation' and "
            f"'test'. Received: {list(dataset.splits)}."
        )
    return dataset


def check_name(name: str) -> None:
    """Raises a ValueError unless `load` may know this name; imports nothing."""
    if name.partition(":")[0] not in PREFIXES or ":" not in name:
        named.check("data set", name, [*DATASETS, *(f"{p}:NAME" for p in PREFIXES)])


def loader(name: str, options: Mapping[str, Any]) -> Callable[..., Dataset]:
    """The function that loads a data set; ValueError for unknown names and options."""
    check_name(name)
    prefix, _, rest = name.partition(":")
    if prefix in PREFIXES and prefix != name:
        load_one: Callable[..., Dataset] = functools.partial(PREFIXES[prefix], rest)
    else:
        load_one = named.resolve("data set", name, DATASETS)
    parameters = inspect.signature(load_one).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    unknown = sorted(options.keys() - parameters.keys())
    if unknown and not takes_all:
        raise ValueError(
            f"Unknown options of the data set {name!r}: {', '.join(unknown)}."
            f"{named.did_you_mean(unknown[0], parameters)} Available: "
            f"{', '.join(parameters)}."
        )
    missing = [
        p.name
        for p in parameters.values()
        if p.default is p.empty
        and p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
        and p.name not in options
    ]
    if missing:
        raise ValueError(
            f"The data set {name!r} needs the options {', '.join(missing)}, which are "
            "not given."
        )
    return load_one


__all__ = ["DATASETS", "Dataset", "DatasetSpec", "load"]
