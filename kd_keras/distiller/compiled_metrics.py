"""Compiled metrics of logits: accuracies of a sigmoid, and what needs probabilities."""

from collections.abc import Mapping
from typing import Any

import keras

_NAMES = ("accuracy", "acc", "binary_accuracy", "BinaryAccuracy")
_F_SCORES = ("F1Score", "FBetaScore")
# They have no argument that would let them read logits.
_OF_PROBABILITIES = (
    "KLDivergence",
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
)


def metrics_of_logits(metrics: Any, head: Any) -> Any:
    """What `compile` is given, with accuracies that cut logits at 0.

    Keras reads "accuracy" of one score as `BinaryAccuracy`, which takes it for a
    probability and cuts it at 0.5; of several it compares the highest, though with a
    sigmoid each is a label of its own. Metrics that are not Keras' own are left alone.

    Args:
      metrics: as of `keras.Model.compile`.
      head: as of the Distiller.

    Returns:
      The same structure; names of accuracies of a sigmoid head are replaced.

    Raises:
      ValueError: if a metric of Keras takes logits for probabilities, or it is not
        plain which output such a metric or an accuracy is of.
    """
    heads = set(keras.tree.flatten(head))
    if metrics is None:
        return metrics
    if len(heads) == 1:
        return _of_head(metrics, heads.pop())
    if isinstance(head, Mapping) and isinstance(metrics, Mapping):
        return {name: _of_head(of, head.get(name)) for name, of in metrics.items()}
    lists = isinstance(head, list | tuple) and isinstance(metrics, list | tuple)
    if lists and len(metrics) == len(head):
        pairs = zip(metrics, head, strict=True)
        return [_of_head(of, which) for of, which in pairs]
    for metric in keras.tree.flatten(metrics):
        if ("sigmoid" in heads and _is_accuracy(metric)) or any(
            _misreading(metric, which) for which in heads if which
        ):
            raise ValueError(
                "`metrics` must say which output an accuracy is of, or what reads "
                f"probabilities, since head={head!r} differs between them. Received: "
                f"{metrics!r}. Pass a dict by output, as for head."
            )
    return metrics


def _of_head(metrics: Any, head: str | None) -> Any:
    if head is None:
        return metrics
    for metric in keras.tree.flatten(metrics):
        if message := _misreading(metric, head):
            raise ValueError(message)
    return _of_sigmoid(metrics) if head == "sigmoid" else metrics


def _of_sigmoid(metrics: Any) -> Any:
    if isinstance(metrics, Mapping):
        return {name: _of_sigmoid(of) for name, of in metrics.items()}
    if isinstance(metrics, list | tuple):
        return [_of_sigmoid(of) for of in metrics]
    if isinstance(metrics, str) and metrics in _NAMES:
        return keras.metrics.BinaryAccuracy(name=metrics, threshold=0.0)
    return metrics


def _misreading(given: Any, head: str) -> str:
    """What to say of a metric of Keras that takes logits for probabilities, or ""."""
    metric = _of_keras(given)
    if metric is None or (head == "sigmoid" and given in _NAMES):
        return ""
    kind, settings = type(metric).__name__, metric.get_config()
    argument = "threshold" if "threshold" in settings else "thresholds"
    does = instead = ""
    if "from_logits" in settings:
        if not settings["from_logits"]:
            does = "has from_logits=False"
            # What Keras applies then is the head's own function.
            if ("Categorical" in kind) == (head == "softmax"):
                instead = "from_logits=True"
    elif kind in _OF_PROBABILITIES:
        does = "reads probabilities"
    elif argument in settings:
        cuts = _cuts(kind, settings[argument], settings.get("top_k"), head)
        does = f"cuts at {cuts}" if cuts else ""
        # A logit of a softmax says nothing alone, and Keras refuses F scores cut at 0.
        if head == "sigmoid" and kind not in _F_SCORES:
            instead = f"{argument}=0.0"
    if not does:
        return ""
    other = f", or pass keras.metrics.{kind}({instead})" if instead else ""
    return (
        f"`metrics`: {kind} {does}, and the student gives logits. Received: "
        f"{getattr(given, 'name', given)!r} for an output with head={head!r}. Measure "
        f"the probabilities, keras.ops.{head}(distiller.predict(x)){other}."
    )


def _of_keras(given: Any) -> keras.metrics.Metric | None:
    """The object that Keras makes of a metric, or None if it is not Keras' own."""
    name = given if isinstance(given, str) else getattr(given, "__name__", "")
    if isinstance(given, str) or getattr(keras.metrics, name, None) is given:
        try:
            given = keras.metrics.get(name)
        except (TypeError, ValueError):  # Keras will say what is wrong with it.
            return None
    own = getattr(keras.metrics, type(given).__name__, None) is type(given)
    return given if own else None


def _cuts(kind: str, given: Any, top_k: int | None, head: str) -> str:
    """Where scores are cut as if they were probabilities; empty if nowhere."""
    if given is None:
        if kind in _F_SCORES:
            # The highest logit is the highest probability; but labels of a sigmoid
            # are not compared with each other.
            return "the highest score" if head == "sigmoid" else ""
        return "0.5" if top_k is None else ""
    inside = [cut for cut in keras.tree.flatten(given) if 0 < cut < 1]
    return ", ".join(f"{cut:g}" for cut in inside)


def _is_accuracy(metric: Any) -> bool:
    return isinstance(metric, keras.metrics.BinaryAccuracy) or metric in _NAMES
