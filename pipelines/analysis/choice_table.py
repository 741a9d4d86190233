"""Accuracy against fairness on validation data, and the T that they suggest."""

from pipelines.analysis.choice import DEFAULT, ERROR, Choice, costs
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study
from pipelines.analysis.table import PERCENT, Column, Table


def choice_table(study: Study, choice: Choice) -> Table:
    """Validation and test values of every model."""
    errors, gaps = (
        costs(study, objective, list(study.models), study.split)
        for objective in (ERROR, DEFAULT)
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
