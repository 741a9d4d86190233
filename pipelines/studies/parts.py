"""Soft loss, hints and metrics of a config, as objects."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from kd_keras import named
from kd_keras.losses import SOFTMAX_LOSSES, FeatureHint

# What a config without these fields has: those that older versions made.
DEFAULTS: dict[str, Any] = {
    "precision": "float32",
    "teacher_cache_precision": "float32",
    "soft_loss": "kl",
    "hints": {},
    "metrics": [],
    "methods": ["plain"],
    "method_options": {},
}
# Keras' policies; weights are float32 in each, and so are logits.
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
HINTS: dict[str, Callable[..., Any]] = {"feature": FeatureHint}
METRICS: dict[str, Callable[..., Any]] = {
    "top_5_accuracy": functools.partial(
        keras.metrics.SparseTopKCategoricalAccuracy, k=5, name="top_5_accuracy"
    )
}


def soft_loss(config: Mapping[str, Any]) -> Any:
    """What `Distiller(soft_loss=...)` takes; classes are called without arguments."""
    name = config.get("soft_loss", DEFAULTS["soft_loss"])
    found = named.resolve("soft loss", name, SOFTMAX_LOSSES)
    return found() if inspect.isclass(found) else found


def precision(config: Mapping[str, Any]) -> str:
    """What the layers compute in, one of PRECISIONS."""
    return str(config.get("precision", DEFAULTS["precision"]))


def cache_precision(config: Mapping[str, Any]) -> str:
    """What the teacher computes in while its cache is made."""
    name = "teacher_cache_precision"
    return str(config.get(name, DEFAULTS[name]))


def hints(config: Mapping[str, Any]) -> list[FeatureHint]:
    """What `Distiller(hints=...)` takes, in the order of their names."""
    found = []
    for name, fields in sorted(config.get("hints", {}).items()):
        options = {"name": name, **fields}
        make = named.resolve("hint", options.pop("hint", "feature"), HINTS)
        try:
            found.append(make(**options))
        except (TypeError, ValueError) as error:
            raise ValueError(f"--config.hints.{name}: {error}") from error
    return found


def metrics(config: Mapping[str, Any]) -> list[Any]:
    """Metrics of the training beside accuracy: Keras metrics, or functions."""
    found = [
        named.resolve("metric", name, METRICS) for name in config.get("metrics", ())
    ]
    made = (inspect.isclass(f) or isinstance(f, functools.partial) for f in found)
    return [f() if call else f for f, call in zip(found, made, strict=True)]
