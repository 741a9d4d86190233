"""Accuracy against fairness on validation data, as a figure."""

from collections.abc import Sequence

from kd_keras.fairness import GAPS
from pipelines.analysis.choice import Choice
from pipelines.analysis.costs import DEFAULT
from pipelines.analysis.methods import GAP, Compared, cost
from pipelines.analysis.results import Study
from pipelines.report.drawing import Drawing, file_name
from pipelines.report.figures import tradeoff_figure


def choice_figure(choice: Choice) -> Drawing:
    models = list(choice.error)
    gap = GAPS[DEFAULT.metric].short
    return tradeoff_figure(
        [(m.title, 100 * choice.error[m], 100 * choice.cost[m]) for m in models],
        front=[models.index(model) for model in choice.front],
        chosen=None if choice.chosen is None else models.index(choice.chosen),
        name="choice",
        xlabel="validation error, %",
        ylabel=f"largest validation {gap}, %",
        caption=(
            f"Error and {gap} on validation data; lower left is better. The line joins "
            "students that no other student beats in both; the ring is the chosen T."
        ),
    )


def method_figures(study: Study, compared: Sequence[Compared]) -> list[Drawing]:
    """Error against the gap, or the worst class's error, for each attribute."""
    drawings = []
    for attribute in dict.fromkeys(row.attribute for row in compared):
        rows = [row for row in compared if row.attribute == attribute]
        what = (
            f"{GAPS[GAP].short} by {attribute}" if attribute else "worst class's error"
        )
        front = [i for i, row in enumerate(rows) if row.front]
        drawings.append(
            tradeoff_figure(
                [
                    (
                        row.model.title,
                        100 - 100 * row.own["accuracy"].mean,
                        100 * cost(row),
                    )
                    for row in rows
                ],
                front=sorted(front, key=lambda i: -rows[i].own["accuracy"].mean),
                chosen=None,
                intervals=[_intervals(row) for row in rows],
                name=file_name("methods", attribute or "class"),
                xlabel=f"{study.split} error, %",
                ylabel=f"{study.split} {what}, %",
                caption=(
                    f"Error and {what}, mean over the seeds with 95 % intervals; lower "
                    "left is better. The line joins students that no other beats in "
                    "both."
                ),
            )
        )
    return drawings


def _intervals(row: Compared) -> tuple[float, float]:
    """Half widths of the intervals of error and cost, in points; NaN of one seed."""
    other = row.own["gap"] if row.attribute else row.own["worst"]
    accuracy = row.own["accuracy"]
    return 100 * (accuracy.upper - accuracy.mean), 100 * (other.upper - other.mean)
