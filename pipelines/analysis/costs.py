"""What is weighed against accuracy when a temperature is chosen, with intervals."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from kd_keras.datasets.corruptions import SEVERITIES
from kd_keras.fairness import GAPS, Gap, GroupCounts, Interval
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gaps import gap, notes_of
from kd_keras.fairness.intervals import around
from kd_keras.fairness.names import attribute_name
from pipelines.analysis import estimates
from pipelines.analysis.calibrated import calibration_values
from pipelines.analysis.damaged import MEAN
from pipelines.analysis.deciding import deciding
from pipelines.analysis.joint_counts import joint_counts, observed_and_resampled
from pipelines.analysis.results import Model, Result, Study
from pipelines.analysis.seed_means import mean_of
from pipelines.studies.interval_options import (
    LEVEL,
    MIN_EXAMPLES,
    REPLICATES,
    intervals,
)

# Gaps of the labels alone: no model can change them.
OF_DATA = ("base_rate_difference",)
METRICS = (
    "ece",
    *(
        name
        for name, row in GAPS.items()
        if not row.higher_is_better and name not in OF_DATA
    ),
    "worst_group_accuracy",
)


@dataclasses.dataclass(frozen=True)
class Objective:
    """What is weighed against accuracy.

    Attributes:
      metric: one of METRICS: a gap or the ECE shall be low, the accuracy of the worst
        group high.
      attribute: sensitive attribute, or a tuple of them to cross; empty for the worst
        of all that the study looks at. The ECE has none.
      tolerance: what a student may lose in accuracy against the best one.
      level: coverage of the intervals that tell students apart, in (0, 1).
      replicates: of the bootstrap.
      min_examples: rates of fewer examples are in no gap; 0 or 1 leaves none out.
      corruption: damage under which the metric is taken, mean over its severities;
        "mean" for the mean over all of the study, empty for undamaged data. The
        accuracy that the tolerance is about is that on undamaged data.
    """

    metric: str = "equalized_odds_difference"
    attribute: Attribute = ""
    tolerance: float = 0.01
    level: float = LEVEL
    replicates: int = REPLICATES
    min_examples: int = MIN_EXAMPLES
    corruption: str = ""

    @property
    def title(self) -> str:
        """Such as: worst group accuracy under gaussian noise."""
        under = "corruption" if self.corruption == MEAN else self.corruption
        title = self.metric + (f" under {under}" if under else "")
        return title.replace("_", " ")

    def views(self, study: Study) -> list[Study]:
        """The study, or what it is on damaged data: what the metric is taken of."""
        return [view for views in self._by_corruption(study).values() for view in views]

    def hardest(self, study: Study) -> dict[str, Study]:
        """Corruption -> the study at its highest severity."""
        return {name: v[-1] for name, v in self._by_corruption(study).items()}

    def _by_corruption(self, study: Study) -> Mapping[str, Sequence[Study]]:
        if not self.corruption:
            return {"": [study]}
        if self.corruption == MEAN:
            return study.damaged
        return {self.corruption: study.damaged[self.corruption]}

    def attributes(self, study: Study) -> tuple[Attribute, ...]:
        """Those whose gaps count."""
        return (self.attribute,) if self.attribute else study.attributes


ERROR = Objective(metric="error")
# Where no policy says what to weigh: the largest EOD of any attribute.
DEFAULT = Objective()


def default(study: Study) -> Objective:
    """`DEFAULT`, with the study's `min_examples`."""
    return dataclasses.replace(DEFAULT, min_examples=study.min_examples)


def costs(
    study: Study,
    objective: Objective,
    models: Sequence[Model],
    split: str,
    replicates: int = 0,
) -> dict[Model, np.ndarray]:
    """What the objective keeps low, mean over the seeds, `[1 + replicates]` a model.

    Replicates draw the split's examples with replacement, the same ones for every
    model. The first value is the observed one; of a gap it is the only one, since its
    intervals need no draws.
    """
    found = [
        _costs(view, objective, models, split, replicates)
        for view in objective.views(study)
    ]
    return {m: np.mean([one[m] for one in found], axis=0) for m in models}


def _costs(
    study: Study,
    objective: Objective,
    models: Sequence[Model],
    split: str,
    replicates: int,
) -> dict[Model, np.ndarray]:
    """As of `costs`, of one view of the study."""
    if objective.metric in GAPS:
        by_run = [
            [_worst(study, objective, run, split) for run in study.models[m].values()]
            for m in models
        ]
    elif objective.metric == "ece":
        labels = study.truth[split].labels
        by_run = [
            [
                calibration_values(labels, run.logits[split], "ece", replicates)
                for run in study.models[m].values()
            ]
            for m in models
        ]
    else:
        counts = joint_counts(study, split)
        by_run = [
            [_errors(seed, replicates) for seed in counts[m].values()] for m in models
        ]
    return {m: np.mean(runs, axis=0) for m, runs in zip(models, by_run, strict=True)}


def cost(study: Study, objective: Objective, model: Model, split: str) -> Interval:
    """What the objective keeps low, mean over the seeds, with its interval."""
    if objective.metric not in GAPS:
        drawn = costs(study, objective, [model], split, objective.replicates)[model]
        return around(float(drawn[0]), drawn[1:], objective.level)
    return mean_of(
        [
            _gap(view, objective, run, split)
            for view in objective.views(study)
            for run in view.models[model].values()
        ]
    )


def change(
    study: Study, objective: Objective, model: Model, base: Model, split: str
) -> Interval:
    """The cost of a model minus that of another one, on the same examples.

    A gap is compared in the seeds that both models have; NaN where there are none.
    """
    if objective.metric not in GAPS:
        drawn = costs(study, objective, [model, base], split, objective.replicates)
        values = drawn[model] - drawn[base]
        return around(float(values[0]), values[1:], objective.level)
    pairs = [
        (view, pair)
        for view in objective.views(study)
        for pair in view.pairs(model, base)
    ]
    if not pairs:
        return Interval(
            np.nan, np.nan, np.nan, objective.level, reason="no common seed"
        )
    return mean_of([_change(view, objective, *pair, split) for view, pair in pairs])


def people(study: Study, objective: Objective, model: Model, split: str) -> list[str]:
    """Which groups decide a model's gap by each attribute, and who is left out.

    Of damaged data, those at the highest severity of each corruption.
    """
    if objective.metric not in GAPS:
        return []
    lines: list[str] = []
    for corruption, view in objective.hardest(study).items():
        under = f" under {corruption}, severity {SEVERITIES[-1]}," if corruption else ""
        for attribute in objective.attributes(study):
            found = [
                _found(view, objective, run, attribute, split)
                for run in view.models[model].values()
            ]
            between = deciding(found, study.spec.class_names) or "no two groups"
            by = attribute_name(attribute)
            title = f"{objective.metric.replace('_', ' ')} by {by}"
            lines.append(f"{title}{under} is decided by {between}")
            # The labels decide who is left out, whatever the damage.
            lines += [f"{by}: {note}" for note in notes_of(found)]
    return list(dict.fromkeys(lines))


def _errors(counts: GroupCounts, replicates: int) -> np.ndarray:
    """Error rates, `[1 + replicates]`."""
    found = []
    for block in observed_and_resampled(counts, replicates):
        wrong = block.label != block.prediction
        found.append(block.mass[..., wrong].sum(axis=-1) / block.mass.sum(axis=-1))
    return np.concatenate(found)


def _found(
    study: Study, objective: Objective, run: Result, attribute: Attribute, split: str
) -> Gap:
    counts, least = study.counts(run, split), objective.min_examples
    return gap(counts, objective.metric, attribute=attribute, min_examples=least)


def _worst(study: Study, objective: Objective, run: Result, split: str) -> np.ndarray:
    """The cost of the worst attribute of those that have one, `[1]`."""
    values = [
        _found(study, objective, run, attribute, split).value
        for attribute in objective.attributes(study)
    ]
    return np.fmax.reduce(_as_costs(objective, np.array(values)), keepdims=True)


def _as_costs(objective: Objective, values: np.ndarray) -> np.ndarray:
    """Gaps are costs themselves; of the worst group's accuracy it is the error."""
    return 1 - values if objective.metric == "worst_group_accuracy" else values


def _by_attribute(
    study: Study, objective: Objective, run: Result, base: Result | None, split: str
) -> np.ndarray:
    """Value and ends of the cost, or of its change, `[attributes, 3]`.

    The intervals of several attributes hold together (Bonferroni).
    """
    attributes = objective.attributes(study)
    level = 1 - (1 - objective.level) / len(attributes)
    options, least = intervals(level, objective.replicates), objective.min_examples
    name = objective.metric
    found = np.array(
        [
            (one.value, one.low, one.high)
            for attribute in attributes
            for one in [
                estimates.gap(study, name, attribute, run, base, options, least, split)
            ]
        ]
    )
    if name == "worst_group_accuracy":
        return (0 if base else 1) - found[:, [0, 2, 1]]
    return found


def _gap(study: Study, objective: Objective, run: Result, split: str) -> Interval:
    """The largest of the attributes' costs: at least the highest lower end."""
    ends = np.fmax.reduce(_by_attribute(study, objective, run, None, split))
    value, low, high = ends.tolist()
    return Interval(value, low, high, objective.level)


def _change(
    study: Study, objective: Objective, run: Result, base: Result, split: str
) -> Interval:
    """The change of the largest of the attributes' costs.

    It is at most the change of the attribute that is the worst of `run`, and at least
    that of the one that is the worst of `base`; which these are, the attributes' own
    intervals say.
    """
    after, before, changes = (
        _by_attribute(study, objective, model, other, split)
        for model, other in ((run, None), (base, None), (run, base))
    )
    value = np.fmax.reduce(after[:, 0]) - np.fmax.reduce(before[:, 0])
    low = np.fmin.reduce(changes[_may_be_worst(before), 1], initial=np.inf)
    high = np.fmax.reduce(changes[_may_be_worst(after), 2], initial=-np.inf)
    if not np.isfinite([value, low, high]).all():
        return Interval(float(value), np.nan, np.nan, objective.level)
    low, high = min(float(low), value), max(float(high), value)
    return Interval(float(value), low, high, objective.level)


def _may_be_worst(found: np.ndarray) -> np.ndarray:
    """Which attributes may have the largest cost, bool `[attributes]`."""
    return found[:, 2] >= np.fmax.reduce(found[:, 1])
