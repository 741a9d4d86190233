"""Trifeature: shapes with textures in colors, drawn when first loaded."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kd_keras import named
from kd_keras.datasets import records
from kd_keras.datasets.spec import Dataset, DatasetSpec
from kd_keras.datasets.trifeature.options import FEATURES, VALUES, Options


def load(*, data_dir: str | None = None, **options: Any) -> Dataset:
    """Loads Trifeature, and draws and stores it first where it is missing.

    Nothing is downloaded. The order of a split is the same in every iteration.

    Args:
      data_dir: where TFDS keeps data sets; None is TFDS's own default.
      **options: the attributes of `Options`, such as label="shape", image_size=224,
        versions=10, seed=0, split="combination".

    Returns:
      The spec, whose attributes are the two features that are not the label, and the
      splits "train", "validation" and "test".

    Raises:
      ValueError: if an option is not allowed.
    """
    chosen = _chosen(options)

    # TFDS is imported on use: it costs more than a second.
    import tensorflow_datasets as tfds

    from kd_keras.datasets.trifeature.builder import Trifeature, TrifeatureConfig

    builder = Trifeature(config=TrifeatureConfig(chosen), data_dir=data_dir)
    builder.download_and_prepare()
    spec = DatasetSpec(
        name="trifeature",
        features={"image": tf.TensorSpec([chosen.image_size] * 2 + [3], tf.uint8)},
        label=chosen.label,
        class_names=VALUES[chosen.label],
        groups={attribute: VALUES[attribute] for attribute in chosen.attributes},
    )
    keys = (*spec.features, *FEATURES, spec.example_id)
    splits = {}
    for split in ("train", "validation", "test"):
        stored = builder.as_dataset(split=split, read_config=_in_stored_order(tfds))
        drawn = stored.map(lambda example: {key: example[key] for key in keys})
        splits[split] = records.kept(drawn, spec)
    return Dataset(spec, splits)


def attributes(*, data_dir: str | None = None, **options: Any) -> tuple[str, ...]:
    """The sensitive attributes that `load` with these options gives."""
    del data_dir
    return _chosen(options).attributes


def _chosen(options: Mapping[str, Any]) -> Options:
    known = [field.name for field in dataclasses.fields(Options)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"Unknown options of the data set 'trifeature': {', '.join(unknown)}."
            f"{named.did_you_mean(unknown[0], known)} Available: data_dir, "
            f"{', '.join(known)}."
        )
    return Options(**options)


def _in_stored_order(tfds: Any) -> Any:
    options = tf.data.Options()
    options.deterministic = True
    # The autotuner delays the end of an iteration by up to several seconds.
    options.autotune.enabled = False
    return tfds.ReadConfig(
        options=options, interleave_cycle_length=1, try_autocache=False
    )
