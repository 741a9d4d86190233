"""Accuracy against fairness on validation data, and the T that they suggest."""

from pipelines.report import choice as choices
from pipelines.report.choice import Choice
from pipelines.report.drawing import Drawing
from pipelines.report.figures import tradeoff_figure
from pipelines.report.measures import EOD, MODEL_COLUMNS, model_cells
from pipelines.report.results import Model, Study
from pipelines.report.table import PERCENT, Column, Table

OBJECTIVE = choices.Objective(metric=EOD)


def choose(study: Study) -> Choice | None:
    """The choice of a temperature by accuracy and the largest EOD of any attribute."""
    return choices.choose(study, OBJECTIVE)


def choice_table(study: Study, choice: Choice) -> Table:
    """Validation and test values of every model."""
    errors, gaps = (
        choices.costs(study, objective, list(study.models), study.split)
        for objective in (choices.ERROR, OBJECTIVE)
    )
    rows = [
        model_cells(model)
        | {
            "validation_accuracy": 1 - choice.error[model],
            "validation_eod": choice.cost[model],
            "accuracy": 1 - float(errors[model][0]),
            "eod": float(gaps[model][0]),
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
        [(m.title, 100 * choice.error[m], 100 * choice.cost[m]) for m in models],
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
