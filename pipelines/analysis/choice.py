"""Which temperature to choose, from validation data alone."""

import dataclasses

import numpy as np
import scipy.special

from kd_keras.fairness import GAPS, GroupCounts, calibration, gap_values
from kd_keras.fairness.intervals import around
from pipelines.analysis.joint_counts import joint_counts, observed_and_resampled
from pipelines.analysis.results import Model, Study
from pipelines.studies.interval_options import LEVEL, REPLICATES
from pipelines.studies.layout import TEACHER, Run, parse_directory

METRICS = (
    "ece",
    *(name for name, row in GAPS.items() if not row.higher_is_better),
    "worst_group_accuracy",
)


@dataclasses.dataclass(frozen=True)
class Objective:
    """What is weighed against accuracy.

    Attributes:
      metric: one of METRICS: a gap or the ECE shall be low, the accuracy of the worst
        group high.
      attribute: sensitive attribute; empty for the worst of all. The ECE has none.
      tolerance: what a student may lose in accuracy against the best one.
      level: coverage of the intervals that tell students apart, in (0, 1).
      replicates: of the bootstrap.
    """

    metric: str = "equalized_odds_difference"
    attribute: str = ""
    tolerance: float = 0.01
    level: float = LEVEL
    replicates: int = REPLICATES


ERROR = Objective(metric="error")
# Where no policy says what to weigh: the largest EOD of any attribute.
DEFAULT = Objective()


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is known of every model when the temperature is chosen.

    Attributes:
      error: model -> validation error rate, mean over the seeds.
      cost: model -> what the objective keeps low, mean over the seeds: the gap, the
        ECE, or the error rate of the worst group.
      front: students that no other student beats in both, by rising error.
      tied: accurate distilled students whose cost is not clearly above the lowest.
      chosen: the distilled student that is chosen, if any.
      reason: why.
    """

    error: dict[Model, float]
    cost: dict[Model, float]
    front: list[Model]
    tied: list[Model]
    chosen: Model | None
    reason: str


def choose(study: Study, objective: Objective) -> Choice | None:
    """The most accurate distilled student among the fairest ones.

    Only students within the tolerance of the best student's accuracy count. Those
    whose cost cannot be told from the lowest one, by a paired interval, are tied, and
    the most accurate of them is chosen. None without validation data or students, or
    without the attributes that a gap needs.
    """
    needs_groups = objective.metric in GAPS and not study.spec.groups
    if "validation" not in study.truth or needs_groups or not study.students:
        return None
    models = list(study.models)
    error, cost = (
        {m: float(v[0]) for m, v in costs(study, o, models, "validation").items()}
        for o in (ERROR, objective)
    )
    best = min(error[model] for model in study.students)
    good = [
        model
        for model in study.distilled
        if error[model] <= best + objective.tolerance and not np.isnan(cost[model])
    ]
    tied = _tied(study, objective, good, min(good, key=cost.__getitem__, default=None))
    chosen = min(tied, key=error.__getitem__, default=None)
    reason = _reason(objective, good, tied, chosen)
    front = _front(study.students, error, cost)
    return Choice(error, cost, front, tied, chosen, reason)


def require_choice(study: Study, objective: Objective) -> tuple[Choice, Model]:
    """The choice, and the student it names; ValueError where none can be chosen."""
    choice = choose(study, objective)
    if choice is None or choice.chosen is None:
        reason = choice.reason if choice else "there are no students or no groups"
        raise ValueError(
            f"No temperature can be recommended: {reason}. Raise "
            "--policy.selection.tolerance, or name a run to the gate by --run."
        )
    return choice, choice.chosen


def run_to_release(study: Study, objective: Objective, directory: str = "") -> Run:
    """The run that a user names, or the best seed of the chosen temperature.

    Raises:
      ValueError: if there is no such run, or no temperature is chosen.
    """
    runs = {result.run.directory: result.run for result in study.results}
    if directory:
        named = parse_directory(directory.rstrip("/"))
        if named is None or named.directory not in runs or named.model == TEACHER:
            students = [d for d, run in runs.items() if run.model != TEACHER]
            raise ValueError(
                f"--run must be one of the finished students {students}. Received: "
                f"{directory!r}."
            )
        return runs[named.directory]
    _, chosen = require_choice(study, objective)
    results = study.models[chosen].values()
    return max(results, key=lambda result: result.info["val_accuracy"]).run


def costs(
    study: Study,
    objective: Objective,
    models: list[Model],
    split: str,
    replicates: int = 0,
) -> dict[Model, np.ndarray]:
    """What the objective keeps low, mean over the seeds, `[1 + replicates]` a model.

    Replicates draw the split's examples with replacement, the same ones for every
    model. The first value is the observed one.
    """
    if objective.metric == "ece":
        labels = study.truth[split].labels
        by_run = [
            [
                calibration_values(labels, result.logits[split], "ece", replicates)
                for result in study.models[model].values()
            ]
            for model in models
        ]
    else:
        counts = joint_counts(study, split)
        by_run = [
            [_gap(objective, seed, replicates) for seed in counts[model].values()]
            for model in models
        ]
    return {m: np.mean(runs, axis=0) for m, runs in zip(models, by_run, strict=True)}


def calibration_values(
    labels: np.ndarray, logits: np.ndarray, metric: str, replicates: int
) -> np.ndarray:
    """Calibration of all examples, then of bootstrap replicates, `[1 + replicates]`.

    Calls with equally many examples draw the same ones.

    Args:
      labels: int64 `[examples]`.
      logits: float32 `[examples, classes]`.
      metric: "ece", "brier" or "nll".
      replicates: number of replicates.
    """
    examples = len(labels)
    probabilities = scipy.special.softmax(logits.astype(np.float64), axis=-1)
    share = np.full(examples, 1 / examples)
    draws = np.random.default_rng(0).multinomial(examples, share, replicates)
    nobody = np.full(examples, None)
    found = [
        calibration(labels, probabilities, groups=nobody, sample_weight=weights)[0]
        for weights in (None, *draws)
    ]
    return np.array([getattr(values, metric) for values in found])


def _gap(objective: Objective, counts: GroupCounts, replicates: int) -> np.ndarray:
    attributes = [objective.attribute] if objective.attribute else list(counts.groups)

    def cost(own: GroupCounts) -> np.ndarray:
        if objective.metric == "error":
            wrong = own.label != own.prediction
            return own.mass[..., wrong].sum(axis=-1) / own.mass.sum(axis=-1)
        values = [
            gap_values(own, objective.metric, attribute=name) for name in attributes
        ]
        if objective.metric == "worst_group_accuracy":
            values = [1 - value for value in values]
        return np.max(values, axis=0)

    blocks = observed_and_resampled(counts, replicates)
    return np.concatenate([cost(block) for block in blocks])


def _tied(
    study: Study, objective: Objective, good: list[Model], best: Model | None
) -> list[Model]:
    """The models whose cost is not clearly above that of `best`."""
    if best is None:
        return []
    found = costs(study, objective, good, "validation", objective.replicates)
    differences = {model: found[model] - found[best] for model in good}
    return [
        model
        for model, values in differences.items()
        if not around(values[0], values[1:], objective.level).low > 0
    ]


def _front(
    students: list[Model], error: dict[Model, float], cost: dict[Model, float]
) -> list[Model]:
    front = [
        model
        for model in students
        if not any(
            error[other] <= error[model]
            and cost[other] <= cost[model]
            and (error[other], cost[other]) != (error[model], cost[model])
            for other in students
        )
    ]
    return sorted(front, key=error.__getitem__)


def _reason(
    objective: Objective, good: list[Model], tied: list[Model], chosen: Model | None
) -> str:
    points = f"{100 * objective.tolerance:g} point"
    if chosen is None:
        return (
            f"no distilled student's validation accuracy is within {points} of the "
            "best student's"
        )
    metric = objective.metric.replace("_", " ")
    others = [model.title for model in tied if model != chosen]
    among = f"{len(good)} distilled students within {points} of the best accuracy"
    if not others:
        return f"{chosen.title} has the best {metric} of {among}"
    return (
        f"{chosen.title} is the most accurate of those whose {metric} cannot be told "
        f"from the best one ({', '.join([chosen.title, *others])}), of {among}"
    )
