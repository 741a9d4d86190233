"""Students against the teacher of their own seed, counted by hand."""

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.disagreement import (
    by_true_class,
    disagreement_table,
    disagreement_totals,
    disagreements,
)
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

THREE = DatasetSpec("three", PEOPLE.features, "y", ("red", "green", "blue"), {})
T4 = Model.named(DS, 4.0)
ANSWERS = {
    # The teachers differ from each other in all but the first example.
    Run(TEACHER, 0): [0, 1, 2, 2, 1],
    Run(TEACHER, 1): [0, 2, 1, 1, 2],
    Run(NDS, 1): [0, 1, 1, 0, 0],
    # Of its own teacher: 1 -> 2 and 2 -> 0.
    Run(DS, 0, 4.0): [0, 2, 2, 0, 1],
    # 2 -> 0.
    Run(DS, 1, 4.0): [0, 0, 1, 1, 2],
    Run(DS, 5, 10.0): [1, 1, 1, 1, 1],
}


@pytest.fixture(scope="module")
def found():
    return study(
        THREE,
        {"test": truth([0, 0, 0, 0, 0], {})},
        {run: {"test": answers} for run, answers in ANSWERS.items()},
    )


def test_teacher_classes_are_rows_and_seeds_are_averaged(found):
    matrices = disagreements(found)
    assert list(matrices) == [Model.named(NDS), T4]  # T=10 has no teacher.
    np.testing.assert_array_equal(
        matrices[T4], np.array([[0, 0, 0], [0, 0, 0.5], [1, 0, 0]])
    )
    np.testing.assert_array_equal(
        matrices[Model.named(NDS)], [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    )


def test_one_row_per_pair_of_classes(found):
    table = disagreement_table(found, {T4: disagreements(found)[T4]})
    assert table.csv() == (
        "model,temperature,teacher_class,student_class,examples\n"
        "ds,4,green,blue,0.500000\n"
        "ds,4,blue,red,1.000000\n"
    )


def test_totals_are_shares_of_all_examples(found):
    assert disagreement_totals(found, disagreements(found)).csv() == (
        "model,temperature,examples,share\n"
        "nds,,3.000000,0.600000\n"
        "ds,4,1.500000,0.300000\n"
    )


def test_each_true_class_beside_teacher_and_nds():
    found = study(
        THREE,
        {"test": truth([0, 0, 1, 1, 1], {})},
        {run: {"test": answers} for run, answers in ANSWERS.items()},
    )
    # nds of seed 1 differs from its teacher in the examples 1, 3 and 4. T = 4: seed 0
    # in 1 and 3, seed 1 in 1 alone; from nds, which seed 1 alone has, in 1, 3 and 4.
    # T = 10 has neither.
    assert by_true_class(found).csv() == (
        "model,temperature,class,examples,from_teacher,from_nds\n"
        "nds,,red,2,0.500000,\n"
        "nds,,green,3,0.666667,\n"
        "nds,,blue,0,,\n"
        "ds,4,red,2,0.500000,0.500000\n"
        "ds,4,green,3,0.166667,0.666667\n"
        "ds,4,blue,0,,\n"
        "ds,10,red,2,,\n"
        "ds,10,green,3,,\n"
        "ds,10,blue,0,,\n"
    )


def test_without_a_teacher_there_is_nothing(found):
    answers = {run: {"test": a} for run, a in ANSWERS.items() if run.model != TEACHER}
    assert disagreements(study(THREE, found.truth, answers)) == {}


def test_true_classes_without_a_teacher_are_held_against_nds_alone(found):
    answers = {run: {"test": a} for run, a in ANSWERS.items() if run.model != TEACHER}
    rows = by_true_class(study(THREE, found.truth, answers)).rows
    assert not any("from_teacher" in row for row in rows)
    # Seed 1 of T=4 and nds differ in examples 1, 3 and 4 of 5.
    of_t4 = [row for row in rows if (row["temperature"], row["class"]) == (4, "red")]
    assert [row["from_nds"] for row in of_t4] == [3 / 5]
    assert [row["examples"] for row in of_t4] == [5]
