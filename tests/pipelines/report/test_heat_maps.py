"""The number in a cell of a heat map has the sign and the place of its change."""

import re

import numpy as np
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness.class_changes import ClassGroupChanges
from pipelines.analysis.results import Model
from pipelines.report import heat_maps
from pipelines.studies.layout import DS, NDS, Run

THREE = DatasetSpec(
    "three", PEOPLE.features, "y", ("red", "green", "blue"), {"side": ("b", "a")}
)
T4 = Model.named(DS, 4.0)


def numbers(drawing):
    """In the cells, row by row; the second axes are the colour bar."""
    text = drawing.svg.decode()
    return re.findall(r">([+-]?\d+)</text>", text[: text.index('id="axes_2"')])


def small_study():
    truths = {"test": truth([0, 1, 2], {"side": [0, 1, 1]})}
    answers = {run: {"test": [0, 1, 2]} for run in (Run(NDS, 0), Run(DS, 0, 4.0))}
    return study(THREE, truths, answers)


def test_a_loss_is_negative_and_classes_are_rows():
    change = np.array([[0.5, -0.25, np.nan], [0.0, 1.0, -0.75]])  # Groups by classes.
    changes = {("side", T4): ClassGroupChanges(("a", "b"), change, change)}
    (drawing,) = heat_maps.class_group_figures(small_study(), changes, T4)
    assert numbers(drawing) == ["+50", "+0", "-25", "+100", "-75"]
    assert "Above 0 the distilled student is better." in drawing.caption


def test_teacher_classes_are_rows_and_agreement_is_empty():
    matrix = np.array([[0.0, 7, 2], [1, 0, 3], [6, 4, 0]])
    (drawing,) = heat_maps.disagreement_figures(small_study(), {T4: matrix})
    assert numbers(drawing) == ["7", "2", "1", "3", "6", "4"]
    assert "23.0 examples differ" in drawing.caption
