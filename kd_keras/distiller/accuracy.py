"""Accuracies of logits whose head is a sigmoid."""

from collections.abc import Mapping
from typing import Any

import keras

_NAMES = ("accuracy", "acc", "binary_accuracy", "BinaryAccuracy")


def metrics_of_logits(metrics: Any, head: Any) -> Any:
    """What `compile` is given, with accuracies that cut logits at 0.

    Keras reads "accuracy" of one score as `BinaryAccuracy`, which takes it for a
    probability and cuts it at 0.5; of several it compares the highest, though with a
    sigmoid each is a label of its own.

    Args:
      metrics: as of `keras.Model.compile`.
      head: as of the Distiller.

    Returns:
      The same structure; names of accuracies of a sigmoid head are replaced.

    Raises:
      ValueError: if a `BinaryAccuracy` cuts logits at 0.5, or it is not plain which
        output an accuracy is of.
    """
    heads = set(keras.tree.flatten(head))
    if metrics is None or "sigmoid" not in heads:
        return metrics
    if len(heads) == 1:
        return _of_sigmoid(metrics)
    if isinstance(head, Mapping) and isinstance(metrics, Mapping):
        return {
            name: _of_sigmoid(of) if head.get(name) == "sigmoid" else of
            for name, of in metrics.items()
        }
    lists = isinstance(head, list | tuple) and isinstance(metrics, list | tuple)
    if lists and len(metrics) == len(head):
        pairs = zip(metrics, head, strict=True)
        return [_of_sigmoid(of) if which == "sigmoid" else of for of, which in pairs]
    if any(_is_accuracy(metric) for metric in keras.tree.flatten(metrics)):
        raise ValueError(
            f"`metrics` must say which output an accuracy is of, since head={head!r} "
            f"differs between them. Received: {metrics!r}. Pass a dict by output, as "
            "for head."
        )
    return metrics


def _of_sigmoid(metrics: Any) -> Any:
    if isinstance(metrics, Mapping):
        return {name: _of_sigmoid(of) for name, of in metrics.items()}
    if isinstance(metrics, list | tuple):
        return [_of_sigmoid(of) for of in metrics]
    if isinstance(metrics, str) and metrics in _NAMES:
        return keras.metrics.BinaryAccuracy(name=metrics, threshold=0.0)
    if isinstance(metrics, keras.metrics.BinaryAccuracy) and metrics.threshold == 0.5:
        raise ValueError(
            "`metrics`: BinaryAccuracy cuts at 0.5, and the student gives logits, "
            f"which are cut at 0. Received: {metrics.name!r} with threshold=0.5. Pass "
            "keras.metrics.BinaryAccuracy(threshold=0.0), or 'accuracy'."
        )
    return metrics


def _is_accuracy(metric: Any) -> bool:
    return isinstance(metric, keras.metrics.BinaryAccuracy) or metric in _NAMES
