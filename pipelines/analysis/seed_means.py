"""Means over a model's seeds, with intervals about other examples."""

from collections.abc import Sequence

import numpy as np

from kd_keras.fairness import Interval
from kd_keras.fairness.cell_counts import Attribute
from pipelines.analysis import estimates
from pipelines.analysis.results import Model, Study
from pipelines.studies.interval_options import intervals


def mean_of(found: Sequence[Interval]) -> Interval:
    """The mean of what each run of a model has, with its interval.

    All runs are asked the same examples, so what makes one err makes the others err,
    too. The ends are averaged, as if all erred exactly alike: nothing makes the
    standard error of a mean larger than the mean of the standard errors.
    """
    value, low, high = (
        float(np.mean([getattr(one, end) for one in found]))
        for end in ("value", "low", "high")
    )
    reason = next((one.reason for one in found if one.reason), "")
    return Interval(value, low, high, found[0].level, reason=reason)


def gaps(
    study: Study, name: str, attribute: Attribute, model: Model, level: float
) -> list[Interval]:
    """A gap of every run of a model, on the evaluation split.

    Args:
      study: labels and groups.
      name: a key of `kd_keras.fairness.GAPS`.
      attribute: sensitive attribute, or a tuple of them to cross.
      model: the model.
      level: nominal coverage of each interval, in (0, 1).
    """
    return [
        estimates.gap(
            study, name, attribute, run, None, intervals(level), study.min_examples
        )
        for run in study.models[model].values()
    ]


def changes(
    study: Study,
    name: str,
    attribute: Attribute,
    model: Model,
    base: Model,
    level: float,
) -> list[Interval]:
    """The change of a gap from `base` to `model`, for each seed that both have."""
    options = intervals(level)
    return [
        estimates.gap(study, name, attribute, run, of_base, options, study.min_examples)
        for run, of_base in study.pairs(model, base)
    ]
