"""Accuracy against fairness on validation data, and the T that they suggest."""

import dataclasses

import numpy as np

from kd_keras.fairness import gap_values
from pipelines.report.drawing import Drawing
from pipelines.report.figures import tradeoff_figure
from pipelines.report.measures import EOD, MODEL_COLUMNS, group_counts, model_cells
from pipelines.report.results import Model, Study
from pipelines.report.table import PERCENT, Column, Table

# A student may cost this much accuracy against the best one.
TOLERANCE = 0.01


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is known of every model when the temperature is chosen.

    Attributes:
      error: model -> validation error rate, mean over the seeds.
      gap: model -> largest validation EOD of any attribute, mean over the seeds.
      front: students that no other student beats in both, by rising error.
      chosen: the distilled student that is chosen, if any.
    """

    error: dict[Model, float]
    gap: dict[Model, float]
    front: list[Model]
    chosen: Model | None


def choose(study: Study) -> Choice | None:
    """The fairest distilled student among those about as accurate as the best.

    Only validation data decide, so that the test data still tell what it is worth.
    """
    if "validation" not in study.truth or not study.spec.groups or not study.students:
        return None
    error = {model: _error(study, model, "validation") for model in study.models}
    gap = {model: _gap(study, model, "validation") for model in study.models}
    front = [
        model
        for model in study.students
        if not any(
            error[other] <= error[model]
            and gap[other] <= gap[model]
            and (error[other], gap[other]) != (error[model], gap[model])
            for other in study.students
        )
    ]
    front.sort(key=error.__getitem__)
    best = min(error[model] for model in study.students)
    good = [
        model
        for model in study.distilled
        if error[model] <= best + TOLERANCE and not np.isnan(gap[model])
    ]
    chosen = min(good, key=gap.__getitem__) if good else None
    return Choice(error, gap, front, chosen)


def _error(study: Study, model: Model, split: str) -> float:
    labels = study.truth[split].labels
    results = study.models[model].values()
    return float(np.mean([result.predicted(split) != labels for result in results]))


def _gap(study: Study, model: Model, split: str) -> float:
    gaps = []
    for result in study.models[model].values():
        counts = group_counts(study, result.predicted(split), split)
        by_attribute = [gap_values(counts, EOD, attribute=a) for a in study.spec.groups]
        gaps.append(max(by_attribute))
    return float(np.mean(gaps))


def choice_table(study: Study, choice: Choice) -> Table:
    """Validation and test values of every model."""
    rows = [
        model_cells(model)
        | {
            "validation_accuracy": 1 - choice.error[model],
            "validation_eod": choice.gap[model],
            "accuracy": 1 - _error(study, model, study.split),
            "eod": _gap(study, model, study.split),
            "choice": _word(choice, model),
        }
        for model in study.models
    ]
    columns = (
        *MODEL_COLUMNS,
        Column("validation_accuracy", "validation accuracy, %", PERCENT),
        Column("validation_eod", "largest validation EOD, %", PERCENT),
        Column("accuracy", f"{study.split} accuracy, %", PERCENT),
        Column("eod", f"largest {study.split} EOD, %", PERCENT),
        Column("choice", "choice"),
    )
    caption = "Accuracy and the largest EOD of any attribute, mean over the seeds."
    return Table("choice", caption, columns, rows)


def _word(choice: Choice, model: Model) -> str:
    if model == choice.chosen:
        return "chosen"
    return "on the front" if model in choice.front else ""


def choice_figure(choice: Choice) -> Drawing:
    models = list(choice.error)
    return tradeoff_figure(
        [(m.title, 100 * choice.error[m], 100 * choice.gap[m]) for m in models],
        front=[models.index(model) for model in choice.front],
        chosen=None if choice.chosen is None else models.index(choice.chosen),
        name="choice",
        xlabel="validation error, %",
        ylabel="largest validation EOD, %",
        caption=(
            "Error and EOD on validation data; lower left is better. The line joins "
            "students that no other student beats in both; the ring is the chosen T."
        ),
    )
