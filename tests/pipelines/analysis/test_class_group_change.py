"""Who pays for distillation, by class and group: counted by hand."""

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.class_group_change import changes_from_nds, class_group_table
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, Run

THREE = DatasetSpec(
    "three", PEOPLE.features, "y", ("red", "green", "blue"), {"side": ("b", "a")}
)
LABELS = [0, 0, 1, 2, 0, 1, 1]
SIDE = [0, 0, 0, 0, 1, 1, -1]
T4, T10 = Model.named(DS, 4.0), Model.named(DS, 10.0)
ANSWERS = {
    Run(NDS, 0): [0, 1, 1, 2, 1, 1, 0],
    Run(NDS, 1): [0, 0, 0, 2, 1, 1, 0],
    # Gains 1 and loses 3 of b, gains 4 of a.
    Run(DS, 0, 4.0): [0, 0, 1, 0, 0, 1, 1],
    # Loses 0 and gains 2 of b, loses 5 of a.
    Run(DS, 1, 4.0): [1, 0, 1, 2, 1, 0, 1],
    Run(DS, 9, 10.0): [0] * 7,
}


@pytest.fixture(scope="module")
def found():
    return study(
        THREE,
        {"test": truth(LABELS, {"side": SIDE})},
        {run: {"test": answers} for run, answers in ANSWERS.items()},
    )


def test_changes_are_over_the_common_seeds(found):
    changes = changes_from_nds(found)
    assert list(changes) == [("side", T4)]
    change = changes["side", T4]
    assert change.groups == ("a", "b")
    np.testing.assert_allclose(change.change, [[0.5, -0.5, np.nan], [0, 0.5, -0.5]])


def test_without_nds_nothing_changes(found):
    answers = {run: {"test": a} for run, a in ANSWERS.items() if run.model == DS}
    assert changes_from_nds(study(THREE, found.truth, answers)) == {}


def test_table(found):
    assert class_group_table(found, changes_from_nds(found)).csv() == (
        "attribute,group,class,model,temperature,examples,change\n"
        "side,a,red,ds,4,1,0.500000\n"
        "side,a,green,ds,4,1,-0.500000\n"
        "side,a,blue,ds,4,0,\n"
        "side,b,red,ds,4,2,0.000000\n"
        "side,b,green,ds,4,1,0.500000\n"
        "side,b,blue,ds,4,1,-0.500000\n"
    )
