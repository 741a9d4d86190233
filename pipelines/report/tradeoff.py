"""Accuracy against fairness on validation data, as a figure."""

from kd_keras.fairness import GAPS
from pipelines.analysis.choice import Choice
from pipelines.analysis.costs import DEFAULT
from pipelines.report.drawing import Drawing
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
