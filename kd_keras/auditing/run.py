"""`audit`: compares models on a data set, in one pass and without training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.auditing.batches import decoded, in_batches
from kd_keras.auditing.conclude import conclude
from kd_keras.auditing.counting import Tally
from kd_keras.auditing.options import (
    DEFAULT_GAPS,
    Options,
    check_attributes,
    named_runs,
    of_model,
)
from kd_keras.auditing.predictors import Predictor
from kd_keras.auditing.result import Audit
from kd_keras.datasets import columns
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.hard_predictions import Scores


def audit(
    models: Mapping[str, Any],
    dataset: Any,
    spec: DatasetSpec,
    *,
    scores: Scores | Mapping[str, Scores] | None = None,
    threshold: float | Mapping[str, float] = 0.5,
    attributes: Sequence[Attribute] | None = None,
    sample_weight: str | None = None,
    gaps: Sequence[str] = DEFAULT_GAPS,
    min_examples: int = 10,
    batch_size: int = 256,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> Audit:
    """Compares models on one data set: accuracy, gaps between groups, disagreement.

    The data is read once, in batches; what is kept are counts, so memory does not
    grow with the number of examples. Of models with several seeds it may: the counts
    are of examples on which all seeds predict the same.

    Args:
      models: name -> model; the first is the reference of the others. A model is

        - a Keras model or a `Distiller` (its student);
        - a SavedModel: its path, or what `tf.saved_model.load` returned. Its
          signature `serving_features` is called, else `serving_default`;
        - the path of a `.keras` file;
        - a function from a batch of inputs to scores;
        - an array of scores or labels, in the order of the data set;
        - a list of these, the same model trained with several seeds: one row of means
          over the seeds. The reference is one model, or a list as long, whose models
          stand beside those of the same place.

        Scores are `[examples, classes]`; of two classes also those of class 1,
        `[examples]` or `[examples, 1]`.
      dataset: a tf.data.Dataset of examples, single or in batches: dicts with the
        spec's features, its label and its attributes; or a table, see
        `kd_keras.datasets.columns.read`. Labels and groups may be indices or names;
        -1 and "" are missing groups. A number in a tf.data.Dataset is an index. In a
        table it is a name where all names are integers, like "1" and "2", and so it is
        among labels that a function or an array of `models` gives. No example id is
        needed.
      spec: names, classes and groups; `DatasetSpec.of` makes one.
      scores: what the scores are: "logits", "probabilities" or "labels", for all
        models or by model. Needed only where neither the model says so (an export of
        this package, a softmax or sigmoid at the end, a compiled loss, a Distiller)
        nor the values do: one score for each example, within [0, 1].
      threshold: probability of class 1 that has to be exceeded to predict it, also of
        logits; for all models or by model.
      attributes: attributes and crossings, like ("sex", "race", ("sex", "race"));
        None for each attribute of the spec.
      sample_weight: key of the examples' weights; None for ones.
      gaps: names of `kd_keras.fairness.GAPS`.
      min_examples: a rate of fewer examples is in no gap, and the group is named.
      batch_size: examples in a batch, where `dataset` has single ones.
      level: nominal coverage of the intervals, in (0, 1).
      replicates: of the bootstrap.
      seed: of the bootstrap.

    Returns:
      An `Audit`: `print` shows it as text, a notebook as tables.

    Raises:
      TypeError: if `models` is no dict, or one of them cannot be audited.
      ValueError: if a key is missing in the examples, there are none, what a score
        is is not known, or scores, labels or groups do not fit.

    Example:

    ```python
    spec = kd_keras.DatasetSpec.of(
        examples,  # A tf.data.Dataset of dicts, a data frame, the path of a table, ...
        label="income",
        class_names=("<=50K", ">50K"),
        groups={"sex": ("female", "male")},
    )
    result = kd_keras.audit({"teacher": teacher, "student": student}, examples, spec)
    print(result)
    result.values["student", "equalized_odds_difference", "sex"]  # An Interval.
    ```
    """
    # Before the data is read.
    runs = named_runs(models, "models")
    options = Options(gaps, min_examples, level, replicates, seed)
    crossings = check_attributes(attributes, tuple(spec.groups))
    tally = Tally({name: tuple(of) for name, of in runs.items()}, spec.num_classes)
    batches = in_batches(dataset, spec, sample_weight, batch_size)
    predictors = [
        Predictor(
            run,
            model,
            spec,
            of_model(scores, "scores", name, runs),
            of_model(threshold, "threshold", name, runs),
            by_name=columns.is_table(dataset),
        )
        for name, of in runs.items()
        for run, model in of.items()
    ]
    counted = False
    for batch in decoded(batches, spec, sample_weight):
        counted |= batch.weights is None or bool(np.any(batch.weights))
        predicted = {p.name: p(batch.examples, tally.examples) for p in predictors}
        tally.add(batch.labels, batch.groups, batch.weights, predicted)
    if not tally.examples:
        raise ValueError("`dataset` must have at least one example. Received: none.")
    if not counted:
        raise ValueError(
            "`sample_weight` must not be 0 for all examples. Received: 0 under "
            f"{sample_weight!r} for each of {tally.examples} examples."
        )
    for predictor in predictors:
        predictor.check_end(tally.examples)
    remarks = [note for predictor in predictors for note in predictor.read.notes()]
    return conclude(tally, spec.name, spec.class_names, crossings, options, remarks)
