"""Which temperature to choose, from validation data alone."""

import dataclasses

import numpy as np

from kd_keras.fairness import GAPS
from pipelines.analysis.costs import ERROR, Objective, change, costs, people
from pipelines.analysis.results import Model, Study
from pipelines.studies.layout import TEACHER, Run, parse_directory


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
      people: which groups decide the chosen student's gap, and who is left out.
    """

    error: dict[Model, float]
    cost: dict[Model, float]
    front: list[Model]
    tied: list[Model]
    chosen: Model | None
    reason: str
    people: list[str] = dataclasses.field(default_factory=list)


def choose(study: Study, objective: Objective) -> Choice | None:
    """The most accurate distilled student among the fairest ones.

    Only students of every seed count, not one that was trained again to mend a single
    run, and only those within the tolerance of the best one's accuracy. Those
    whose cost cannot be told from the lowest one, by a paired interval, are tied, and
    the most accurate of them is chosen. None without validation data or students, or
    without the attributes that a gap needs.
    """
    needs_groups = objective.metric in GAPS and not study.attributes
    if "validation" not in study.truth or needs_groups or not study.students:
        return None
    models = list(study.models)
    error, cost = (
        {m: float(v[0]) for m, v in costs(study, o, models, "validation").items()}
        for o in (ERROR, objective)
    )
    seeds = max(len(study.models[model]) for model in study.students)
    full = [model for model in study.students if len(study.models[model]) == seeds]
    best = min(error[model] for model in full)
    near = [
        model
        for model in full
        if model in study.distilled and error[model] <= best + objective.tolerance
    ]
    good = [model for model in near if not np.isnan(cost[model])]
    tied = _tied(study, objective, good, min(good, key=cost.__getitem__, default=None))
    chosen = min(tied, key=error.__getitem__, default=None)
    # Where no one is chosen, whom the gap lacks.
    about = chosen or next(iter(near), None)
    told = people(study, objective, about, "validation") if about else []
    reason = _reason(objective, good, tied, chosen, told)
    lowest = min(tied, key=cost.__getitem__, default=None)
    reason += _doubt(study, objective, lowest, chosen)
    if not near:
        reason = _too_inaccurate(study, objective, full, error)
    front = _front(study.students, error, cost)
    return Choice(error, cost, front, tied, chosen, reason, told)


def require_choice(study: Study, objective: Objective) -> tuple[Choice, Model]:
    """The choice, and the student it names; ValueError where none can be chosen.

    Of an unfinished study none can: one look at the test split confirms the choice.
    """
    done = sum(len(runs) for runs in study.models.values())
    if done < study.planned:
        raise ValueError(
            f"No temperature can be recommended yet: {done} of {study.planned} runs "
            "are complete. Run the study to its end, by the same command, or name a "
            "run by --run."
        )
    choice = choose(study, objective)
    if choice is None or choice.chosen is None:
        reason = choice.reason if choice else "there are no students or no groups"
        raise ValueError(
            f"No temperature can be recommended: {reason}. Raise "
            "--policy.selection.tolerance, lower --policy.min_examples, or name a run "
            "to the gate by --run."
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


def _tied(
    study: Study, objective: Objective, good: list[Model], best: Model | None
) -> list[Model]:
    """The models whose cost is not clearly above that of `best`."""
    if best is None:
        return []
    return [
        model
        for model in good
        if model == best
        or not change(study, objective, model, best, "validation").low > 0
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
    objective: Objective,
    good: list[Model],
    tied: list[Model],
    chosen: Model | None,
    told: list[str],
) -> str:
    points = _points(objective.tolerance)
    metric = objective.title
    if chosen is None:
        more = f"; and {len(told) - 4} more groups" if len(told) > 4 else ""
        return (
            f"the {metric} is undefined on validation data, with min_examples="
            f"{objective.min_examples} ({'; '.join(told[:4])}{more})"
        )
    others = [model.title for model in tied if model != chosen]
    among = f"{len(good)} distilled students within {points} of the best accuracy"
    if not others:
        return f"{chosen.title} has the best {metric} of {among}"
    return (
        f"{chosen.title} is the most accurate of those whose {metric} cannot be told "
        f"from the best one ({', '.join([chosen.title, *others])}), of {among}"
    )


def _doubt(
    study: Study, objective: Objective, lowest: Model | None, chosen: Model | None
) -> str:
    """Says so where the choice has a larger cost, and no surely better accuracy."""
    if lowest is None or chosen is None or lowest == chosen:
        return ""
    if change(study, ERROR, lowest, chosen, "validation").low > 0:
        return ""
    return (
        f"; that it is more accurate than {lowest.title}, which has the best "
        f"{objective.title}, is not sure either"
    )


def _too_inaccurate(
    study: Study, objective: Objective, full: list[Model], error: dict[Model, float]
) -> str:
    reason = (
        "no distilled student's validation accuracy is within "
        f"{_points(objective.tolerance)} of the best student's"
    )
    distilled = [model for model in full if model in study.distilled]
    if not distilled:
        return "no distilled student has as many seeds as others have"
    nearest, best = (min(m, key=error.__getitem__) for m in (distilled, full))
    accuracy = {model: f"{100 * (1 - error[model]):.1f} %" for model in (nearest, best)}
    return (
        f"{reason}: {nearest.title} comes nearest with {accuracy[nearest]}, and "
        f"{best.title} has {accuracy[best]}"
    )


def _points(tolerance: float) -> str:
    points = f"{100 * tolerance:g}"
    return f"{points} point" if points == "1" else f"{points} points"
