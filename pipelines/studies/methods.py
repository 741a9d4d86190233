"""The methods of a study by name: their options, and how they reach the training.

A name in `config.methods` is a key of METHODS, or one of `config.method_options` whose
field "method" names one, or one's own as "module:function".
"""

import inspect
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kd_keras import named
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import GROUPS, WEIGHT
from pipelines.studies import layout
from pipelines.studies.mending import METHODS, Changes, Given


def options(config: Mapping[str, Any], method: str) -> dict[str, Any]:
    """The options of a method of this study, with "method", what makes it."""
    fields = config.get("method_options", {}).get(method, {})
    given = fields.to_dict() if hasattr(fields, "to_dict") else dict(fields)
    return {"method": method, **given}


def require_usable(config: Mapping[str, Any]) -> None:
    """Raises a ValueError unless each method is there and has these options.

    Modules that they name are imported.
    """
    for name in layout.methods_of(config):
        fields = options(config, name)
        make = named.resolve("method", fields.pop("method"), METHODS)
        parameters = inspect.signature(make).parameters
        known = [p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY]
        unknown = sorted(fields.keys() - set(known))
        missing = [
            key
            for key in known
            if parameters[key].default is inspect.Parameter.empty and key not in fields
        ]
        if unknown or missing:
            wrong = f"Unknown: {unknown}." if unknown else f"Missing: {missing}."
            raise ValueError(
                f"--config.method_options.{name} must be of the options {known}. "
                f"Received: {sorted(fields)}. {wrong}"
            )


def changes(given: Given, method: str) -> Changes:
    """What a method of this study changes.

    Raises:
      ValueError: if an option is not allowed.
    """
    fields = options(given.config, method)
    make = named.resolve("method", fields.pop("method"), METHODS)
    try:
        return make(given, **fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"--config.method_options.{method}: {error}") from error


def applied(dataset: Dataset, made: Changes) -> Dataset:
    """The data set whose training examples have the weights and groups of a method."""
    spec, splits = dataset.spec, dict(dataset.splits)

    def group(example: Mapping[str, tf.Tensor]) -> tf.Tensor:
        code = tf.cast(example[made.attribute], tf.int64)
        return tf.where(code < 0, tf.cast(made.unknown, tf.int64), code)

    def grouped(example: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {**example, GROUPS: group(example)}

    def weighted(example: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        # The index -1 is that of the last row.
        row = tf.cast(example[made.attribute], tf.int64) % len(table)
        weight = table[row, example[spec.label]]
        return {**example, WEIGHT: weight * tf.cast(example.get(WEIGHT, 1), tf.float32)}

    if made.weights is not None:
        table = tf.constant(made.weights, tf.float32)
        splits["train"] = splits["train"].map(weighted)
    if made.brings_groups:
        for split in ("train", "validation"):
            splits[split] = splits[split].map(grouped)
    return Dataset(spec, splits)
