"""`audit_predictions`: an audit of models that live elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.auditing.conclude import conclude
from kd_keras.auditing.counting import Tally
from kd_keras.auditing.options import (
    DEFAULT_GAPS,
    Options,
    check_attributes,
    named_runs,
    of_model,
)
from kd_keras.auditing.result import Audit
from kd_keras.auditing.scores import Reader
from kd_keras.datasets import columns, encode
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.encoding import check_minus_one
from kd_keras.fairness.hard_predictions import Scores


def audit_predictions(
    y_true: Any,
    predictions: Mapping[str, Any],
    *,
    groups: Any,
    scores: Scores | Mapping[str, Scores] | None = None,
    threshold: float | Mapping[str, float] = 0.5,
    class_names: Sequence[str] | None = None,
    attributes: Sequence[Attribute] | None = None,
    bins: Mapping[str, Sequence[float]] | None = None,
    sample_weight: Any = None,
    gaps: Sequence[str] = DEFAULT_GAPS,
    min_examples: int = 10,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    name: str = "predictions",
) -> Audit:
    """Compares the predictions of any models, as `audit` compares Keras models.

    Args:
      y_true: label of each example, `[examples]`: class indices, names of
        `class_names`, booleans, or -1 and 1. Where all class names are integers, like
        "1" and "2", numbers are names, here and in `predictions`.
      predictions: name -> scores or labels, an array `[examples]`,
        `[examples, 1]` or `[examples, classes]`; a list of arrays are the seeds of one
        model. The first is the reference of the others.
      groups: sensitive attribute -> group of each example: a data frame, a dict of
        arrays or another table, see `kd_keras.datasets.columns.read`. Strings,
        integers or categories; None, NaN and "" are missing. -1 beside integers from 0
        on is refused, for it may be a group or a missing one.
      scores: what the scores are: "logits", "probabilities" or "labels", for all
        models or by model. Needed only for one score for each example, within [0, 1].
      class_names: the classes in the order of their labels; None where the labels are
        numbers from 0 on or booleans.
      bins: attribute -> edges, between which its numbers are groups.
      sample_weight: weight of each example, `[examples]`; None for ones.
      threshold, attributes, gaps, min_examples, level, replicates, seed: see `audit`.
      name: name of the data.

    Returns:
      An `Audit`.

    Raises:
      TypeError: if `predictions` is no dict, or `groups` no table.
      ValueError: if lengths differ, what a score is is not known, or labels, scores,
        groups or weights do not fit.

    Example:

    ```python
    result = kd_keras.audit_predictions(
        test["income"],
        {"teacher": forest.predict_proba(x), "student": tree.predict(x)},
        groups=test[["sex", "race"]],
        class_names=("<=50K", ">50K"),
        attributes=("sex", "race", ("sex", "race")),
    )
    ```
    """
    if isinstance(predictions, Mapping):
        predictions = {m: _of_numbers(given) for m, given in predictions.items()}
    runs = named_runs(predictions, "predictions")
    options = Options(gaps, min_examples, level, replicates, seed)
    found = columns.read({"y_true": y_true})["y_true"]
    labels, classes = encode.labels("y_true", found, class_names)
    if len(classes) < 2:
        raise ValueError(
            f"`class_names` must name at least two classes. Received: {classes}."
        )
    named = _groups(groups, bins or {}, len(labels))
    crossings = check_attributes(attributes, tuple(named))
    weights = None
    if sample_weight is not None:
        weights = columns.read({"sample_weight": sample_weight})["sample_weight"]
        _check_length("sample_weight", weights, len(labels))
        weights = encode.weights("sample_weight", weights)
        if not weights.any():
            raise ValueError("`sample_weight` must not be 0 for all examples.")
    tally = Tally({model: tuple(of) for model, of in runs.items()}, len(classes))
    predicted, remarks = {}, []
    for model, of in runs.items():
        said: Scores | None = of_model(scores, "scores", model, runs)
        cut = of_model(threshold, "threshold", model, runs)
        for run, values in of.items():
            argument = f"`predictions[{run!r}]`"
            values = _array(argument, values)
            _check_length(argument, values, len(labels))
            read = Reader(argument, classes, said, None, cut, by_name=True)
            predicted[run] = read(values, 0, len(labels))
            remarks += read.notes()
    tally.add(labels, named, weights, predicted)
    return conclude(tally, name, classes, crossings, options, remarks)


def _of_numbers(values: Any) -> Any:
    """A plain list of numbers or names as an array; it is no list of seeds."""
    if isinstance(values, list | tuple) and values:
        return np.asarray(values) if np.ndim(values[0]) == 0 else values
    return values


def _groups(
    table: Any, bins: Mapping[str, Sequence[float]], size: int
) -> dict[str, np.ndarray]:
    """Attribute -> name of each example's group, None where missing."""
    if not columns.is_table(table):
        raise TypeError(
            f"`groups` must be {columns.KINDS}, like frame[['sex']]. Received: "
            f"{type(table).__name__}."
        )
    found = columns.read(table)
    columns.require(found, [*bins], "bins")
    named = {}
    for attribute, values in found.items():
        _check_length(f"groups[{attribute!r}]", values, size)
        if attribute in bins:
            codes, names = encode.bins(attribute, values, bins[attribute])
        else:
            codes, names = encode.groups(attribute, values)
            if values.dtype.kind in "if":
                numbers = [int(name) for name in names]
                check_minus_one(f"groups[{attribute!r}]", numbers, codes)
        named[attribute] = np.array([*names, None], object)[codes]
    return named


def _array(argument: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{argument} must be an array of scores. Received: rows of different "
            "lengths."
        ) from error


def _check_length(argument: str, values: np.ndarray, size: int) -> None:
    if values.ndim == 0 or len(values) != size:
        raise ValueError(
            f"{argument} must have one row for each of the {size} labels. Received: "
            f"shape {values.shape}."
        )
