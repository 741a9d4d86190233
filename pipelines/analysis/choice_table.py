"""Accuracy against fairness on validation data, and the T that they suggest."""

from kd_keras.fairness import GAPS
from pipelines.analysis.choice import Choice
from pipelines.analysis.costs import DEFAULT, ERROR, costs, default
from pipelines.analysis.data_table import PERCENT, Column, DataTable
from pipelines.analysis.measures import MODEL_COLUMNS, model_cells
from pipelines.analysis.results import Model, Study


def choice_table(study: Study, choice: Choice) -> DataTable:
    """Validation and test values of every model."""
    errors, gaps = (
        costs(study, objective, list(study.models), study.split)
        for objective in (ERROR, default(study))
    )
    gap = GAPS[DEFAULT.metric].short
    rows = [
        model_cells(model)
        | {
            "validation_accuracy": 1 - choice.error[model],
            f"validation_{gap.lower()}": choice.cost[model],
            "accuracy": 1 - float(errors[model][0]),
            gap.lower(): float(gaps[model][0]),
            "choice": _word(choice, model),
        }
        for model in study.models
    ]
    columns = (
        *MODEL_COLUMNS,
        Column("validation_accuracy", "validation accuracy, %", PERCENT),
        Column(f"validation_{gap.lower()}", f"largest validation {gap}, %", PERCENT),
        Column("accuracy", f"{study.split} accuracy, %", PERCENT),
        Column(gap.lower(), f"largest {study.split} {gap}, %", PERCENT),
        Column("choice", "choice"),
    )
    caption = f"Accuracy and the largest {gap} of any attribute, mean over the seeds."
    return DataTable("choice", caption, columns, rows)


def _word(choice: Choice, model: Model) -> str:
    if model == choice.chosen:
        return "chosen"
    return "on the front" if model in choice.front else ""
