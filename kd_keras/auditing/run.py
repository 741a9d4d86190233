"""`audit`: compares models on a data set, in one pass and without training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras.auditing.predictors import Predictor
from kd_keras.auditing.result import Audit, Key
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import (
    GAPS,
    GroupCounts,
    Interval,
    PairedCounts,
    bootstrap_interval,
)
from kd_keras.fairness.gap_intervals import IntervalOptions
from kd_keras.fairness.intervals import check_level

# Batches whose counts are kept apart before they are merged.
_MERGED_AT_ONCE = 256

DEFAULT_GAPS = ("demographic_parity_difference", "equalized_odds_difference")


def audit(
    models: Mapping[str, Any],
    dataset: tf.data.Dataset,
    spec: DatasetSpec,
    *,
    sample_weight: str | None = None,
    gaps: Sequence[str] = DEFAULT_GAPS,
    batch_size: int = 256,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> Audit:
    """Compares models on one data set: accuracy, gaps between groups, disagreement.

    The data is read once, in batches; what is kept are counts, so memory does not
    grow with the number of examples.

    Args:
      models: name -> model; the first is the reference of the others. A model is

        - a Keras model or a `Distiller` (its student);
        - a SavedModel: its path, or what `tf.saved_model.load` returned. Its
          signature `serving_features` is called, else `serving_default`;
        - the path of a `.keras` file;
        - a function from a batch of inputs to scores;
        - an array of scores, in the order of the data set.

        Scores are `[examples, classes]`, logits or probabilities; the highest
        decides. With two classes one score, `[examples]` or `[examples, 1]`, is
        allowed as well: a logit of class 1 from a Keras model that does not end
        in a sigmoid and from a SavedModel whose output has another name than
        "probabilities", else the probability of class 1.
      dataset: examples, single or in batches: dicts with the spec's features, its
        label, an int64 in [0, num_classes), and its attributes, each an index of
        a group or the group's name; -1 and "" are missing. No example id is
        needed.
      spec: names, classes and groups; `DatasetSpec.of` makes one.
      sample_weight: key of the examples' weights; None for ones.
      gaps: names of `kd_keras.fairness.GAPS`.
      batch_size: examples in a batch, where `dataset` has single ones.
      level: nominal coverage of the intervals, in (0, 1).
      replicates: of the bootstrap.
      seed: of the bootstrap.

    Returns:
      An `Audit`: `print` shows it as text, a notebook as tables.

    Raises:
      TypeError: if `models` is no dict, or one of them cannot be audited.
      ValueError: if a key is missing in the examples, there are none, or scores,
        labels or groups do not fit the spec.

    Example:

    ```python
    spec = kd_keras.DatasetSpec.of(
        examples,  # A tf.data.Dataset of dicts.
        label="income",
        class_names=("<=50K", ">50K"),
        groups={"sex": ("female", "male")},
    )
    result = kd_keras.audit({"teacher": teacher, "student": student}, examples, spec)
    print(result)
    result.values["student", "equalized_odds_difference", "sex"]  # An Interval.
    ```
    """
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            '`models` must be a dict with at least one model, like {"teacher": model}. '
            f"Received: {models!r}."
        )
    # Before the data is read.
    unknown = [gap for gap in gaps if gap not in GAPS]
    if unknown or isinstance(gaps, str):
        raise ValueError(f"`gaps` must be some of {list(GAPS)}. Received: {gaps!r}.")
    check_level(level)
    batches = _batches(dataset, spec, sample_weight, batch_size)
    predictors = [Predictor(name, model, spec) for name, model in models.items()]
    counts, pairs = _count(predictors, batches, spec, sample_weight)
    options = IntervalOptions(level=level, replicates=replicates, seed=seed)
    return Audit(
        data=spec.name,
        class_names=tuple(spec.class_names),
        attributes=tuple(spec.groups),
        gaps=tuple(gaps),
        level=level,
        counts=counts,
        pairs=pairs,
        values=_values(counts, spec, gaps, options),
        changes=_changes(pairs, spec, gaps, options),
        disagreement={name: 1 - pair.agreement() for name, pair in pairs.items()},
    )


def _batches(
    dataset: tf.data.Dataset,
    spec: DatasetSpec,
    sample_weight: str | None,
    batch_size: int,
) -> tf.data.Dataset:
    element = getattr(dataset, "element_spec", None)
    if not isinstance(element, dict):
        raise TypeError(
            "`dataset` must be a tf.data.Dataset of dicts, one entry per feature, "
            f"label and attribute. Received: {element or type(dataset).__name__}."
        )
    needed = [*spec.features, spec.label, *spec.groups]
    missing = [key for key in [*needed, sample_weight] if key not in {*element, None}]
    if missing:
        raise ValueError(
            f"`dataset` must have the keys {needed} in its examples. Missing: "
            f"{missing}. Received: {sorted(element)}."
        )
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("`dataset` must end. Received: one that repeats for ever.")
    if element[spec.label].shape.rank == 0:
        dataset = dataset.batch(batch_size)
    return without_autotune(dataset.prefetch(2))


def _count(
    predictors: Sequence[Predictor],
    batches: tf.data.Dataset,
    spec: DatasetSpec,
    sample_weight: str | None,
) -> tuple[dict[str, GroupCounts], dict[str, PairedCounts]]:
    """Counts of every model, and of every one but the first beside the first."""
    reference, *others = predictors
    examples = 0
    parts: dict[str, list[Any]] = {predictor.name: [] for predictor in predictors}
    for batch in batches:
        labels = batch[spec.label].numpy()
        options = {
            "groups": {
                name: _group_names(name, batch[name].numpy(), names)
                for name, names in spec.groups.items()
            },
            "sample_weight": batch[sample_weight].numpy() if sample_weight else None,
            "num_classes": spec.num_classes,
        }
        first = reference(batch, examples)
        parts[reference.name].append(
            GroupCounts.from_predictions(labels, first, **options)
        )
        for other in others:
            second = other(batch, examples)
            parts[other.name].append(
                PairedCounts.from_predictions(labels, first, second, **options)
            )
        examples += len(labels)
        if len(parts[reference.name]) == _MERGED_AT_ONCE:
            parts = {name: [found[0].merge(found)] for name, found in parts.items()}
    if not examples:
        raise ValueError("`dataset` must have at least one example. Received: none.")
    for predictor in predictors:
        predictor.check_end(examples)
    counts = {name: found[0].merge(found) for name, found in parts.items()}
    pairs = {other.name: counts[other.name] for other in others}
    alone = {reference.name: counts[reference.name]}
    return alone | {name: pair.b for name, pair in pairs.items()}, pairs


def _group_names(
    attribute: str, values: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    """Group indices or names `[batch]` -> names, None where missing."""
    if values.dtype.kind in "OS":
        found = np.array([value.decode() or None for value in values], object)
        unknown = sorted({*found} - {*names, None})
    else:
        inside = (values >= -1) & (values < len(names))
        unknown = np.unique(values[~inside]).tolist()
        found = np.array([*names, None], object)[np.where(inside, values, -1)]
    if unknown:
        raise ValueError(
            f"`spec.groups[{attribute!r}]` has the groups {list(names)}, and an "
            "example has one of their names or their indices, -1 or an empty name "
            f"where it is missing. Received: {unknown[:5]}."
        )
    return found


def _values(
    counts: Mapping[str, GroupCounts],
    spec: DatasetSpec,
    gaps: Sequence[str],
    options: IntervalOptions,
) -> dict[Key, Interval]:
    values = {}
    for model, of in counts.items():
        values[model, "accuracy", ""] = of.accuracy(()).intervals(options["level"])[()]
        for attribute in spec.groups:
            for gap in gaps:
                interval = of.only(attribute).gap_interval(gap, **options)
                values[model, gap, attribute] = interval
    return values


def _changes(
    pairs: Mapping[str, PairedCounts],
    spec: DatasetSpec,
    gaps: Sequence[str],
    options: IntervalOptions,
) -> dict[Key, Interval]:
    changes = {}
    for model, pair in pairs.items():
        changes[model, "accuracy", ""] = bootstrap_interval(
            pair.only(),
            _accuracy_change,
            level=options["level"],
            replicates=options["replicates"],
            seed=options["seed"],
            kind="centred",
        )[0]
        for attribute in spec.groups:
            for gap in gaps:
                change = pair.only(attribute).gap_change(gap, **options)
                changes[model, gap, attribute] = change.interval
    return changes


def _accuracy_change(pairs: PairedCounts) -> np.ndarray:
    right_a = pairs.prediction_a == pairs.label
    right_b = pairs.prediction_b == pairs.label
    gained = right_b.astype(float) - right_a
    return (pairs.mass * gained).sum(axis=-1) / pairs.mass.sum(axis=-1)
