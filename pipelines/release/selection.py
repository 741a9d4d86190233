"""The recommended temperature as a document, confirmed on the test split once."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kd_keras.fairness import Interval
from kd_keras.fairness.intervals import around
from pipelines.analysis.choice import Choice
from pipelines.analysis.costs import ERROR, Objective, change, cost, costs, people
from pipelines.analysis.results import Model, Study
from pipelines.studies.layout import PLAIN


def selection(
    study: Study,
    objective: Objective,
    choice: Choice,
    chosen: Model,
    policy: str,
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What selection.json holds.

    Args:
      study: predictions of all runs.
      objective: what was weighed against accuracy.
      choice: what validation data say.
      chosen: the student that they recommend.
      policy: name of the policy.
      before: the last selection.json; None without one. Its confirmation is taken
        over when everything is as it was; `test_looks` counts the others.
    """
    recommendation = {
        "policy": policy,
        "metric": objective.metric,
        # As JSON has a tuple, so that it equals what was written before.
        "attribute": list(objective.attribute)
        if isinstance(objective.attribute, tuple)
        else objective.attribute,
        **({"corruption": objective.corruption} if objective.corruption else {}),
        "min_examples": objective.min_examples,
        "tolerance": objective.tolerance,
        # What a confirmation depends on beside.
        "level": objective.level,
        "replicates": objective.replicates,
        "split": study.split,
        "recommended_temperature": chosen.temperature,
        "reason": choice.reason,
        "groups": choice.people,
        "validation": [_row(choice, model) for model in study.models],
    }
    if chosen.method != PLAIN:
        recommendation["recommended_method"] = chosen.method
    if before and all(before.get(k) == value for k, value in recommendation.items()):
        return dict(before)
    looks = (before["test_looks"] if before else 0) + 1
    confirmation = confirm(study, objective, chosen)
    return recommendation | {"test_looks": looks, "confirmation": confirmation}


def confirm(study: Study, objective: Objective, chosen: Model) -> dict[str, Any]:
    """Compares the chosen student with its teacher and nds on the test split.

    It is confirmed when no interval shows that it is less fair than the nds, or less
    accurate by more than the tolerance; and not where its cost is undefined, for want
    of groups that are large enough.
    """
    others = [m for m in (study.teacher, study.nds) if m]
    models, replicates = [chosen, *others], objective.replicates
    error = costs(study, ERROR, models, study.split, replicates)
    level = objective.level
    against = {
        other.name: {
            "accuracy": _interval(error[other] - error[chosen], level),
            "cost": change(study, objective, chosen, other, study.split),
        }
        for other in others
    }
    own = cost(study, objective, chosen, study.split)
    confirmed = not np.isnan(own.value)
    if study.nds:
        changes = against[study.nds.name]
        confirmed = confirmed and not (
            changes["cost"].low > 0 or changes["accuracy"].high < -objective.tolerance
        )
    return {
        "split": study.split,
        "level": level,
        "confirmed": confirmed,
        "accuracy": _interval(1 - error[chosen], level).to_dict(),
        "cost": own.to_dict(),
        "groups": people(study, objective, chosen, study.split),
        "change_against": {
            name: {k: v.to_dict() for k, v in changes.items()}
            for name, changes in against.items()
        },
    }


def _row(choice: Choice, model: Model) -> dict[str, Any]:
    cost = choice.cost[model]
    return {
        "model": model.title,
        "accuracy": 1 - choice.error[model],
        "cost": None if np.isnan(cost) else cost,
        "on_front": model in choice.front,
        "tied": model in choice.tied,
    }


def _interval(values: np.ndarray, level: float) -> Interval:
    return around(float(values[0]), values[1:], level)
