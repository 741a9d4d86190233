"""The accuracy of the predictions and that of TFMA, where they may differ."""

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis import agreement
from pipelines.evaluation import plan
from pipelines.studies.layout import DS, NDS, TEACHER, Run

THREE = DatasetSpec("three", PEOPLE.features, "y", ("a", "b", "c"), {})
RUNS = [Run(TEACHER, 0), Run(NDS, 0), Run(DS, 0, 4.0)]
# 8 of 10 are right; the highest logit is far above the others.
LOGITS = 5.0 * np.eye(3)[[0, 0, 0, 0, 1, 1, 1, 2, 0, 1]]
LABELS = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]


def require(monkeypatch, records, logits=LOGITS):
    """As if the runs had these evaluation records: split, export and accuracy."""
    by_directory = dict(zip((f"w/{r.directory}" for r in RUNS), records, strict=True))

    def read_record(directory):
        found = by_directory[directory]
        names = ("split", "export", "accuracy")
        return found and dict(zip(names, found, strict=True))

    monkeypatch.setattr(plan, "read_record", read_record)
    found = study(
        THREE,
        {"test": truth(LABELS, {})},
        {run: {"test": logits} for run in RUNS},
        {run: {"export_digest": f"d{i}"} for i, run in enumerate(RUNS)},
    )
    return agreement.require("w", found)


def test_evaluations_of_this_split_are_compared_and_counted(monkeypatch):
    same = [("test", "d0", 0.8), ("test", "d1", 0.8), ("test", "d2", 0.8)]
    assert require(monkeypatch, same) == 3
    assert require(monkeypatch, [None, *same[1:]]) == 2
    # Of another split: neither compared nor counted.
    assert require(monkeypatch, [("validation", "x", 0.1), *same[1:]]) == 2
    assert require(monkeypatch, [None, None, None]) == 0


def test_an_evaluation_of_another_export_is_refused(monkeypatch):
    records = [None, ("test", "d0", 0.8), None]
    message = r"w/student-nds/seed0/.* is of another model version than the run\."
    with pytest.raises(ValueError, match=message):
        require(monkeypatch, records)


@pytest.mark.parametrize("accuracy", [0.7, 0.9, 0.75, 0.85, float("nan")])
def test_another_accuracy_is_refused(monkeypatch, accuracy):
    message = rf"student-t04/seed0 has the accuracy 0\.800000 .* {accuracy:.6f} by TFMA"
    with pytest.raises(ValueError, match=message):
        require(monkeypatch, [None, None, ("test", "d2", accuracy)])


@pytest.mark.parametrize("accuracy", [0.7501, 0.8499, 0.8000001])
def test_less_than_half_an_example_is_rounding(monkeypatch, accuracy):
    assert require(monkeypatch, [("test", "d0", accuracy), None, None]) == 1


def test_examples_whose_two_highest_logits_are_nearly_equal_may_turn(monkeypatch):
    logits = LOGITS.copy()
    logits[1] = [5, 5 - 4e-4, -1]  # 1e-4 of 5 is 5e-4.
    logits[2] = [-9, 3, 3 + 8e-4]  # The largest magnitude counts: of 9, 9e-4.
    # 7 are right here, for example 2 is of class 2.
    assert require(monkeypatch, [("test", "d0", 0.9), None, None], logits) == 1
    assert require(monkeypatch, [("test", "d0", 0.5), None, None], logits) == 1
    for accuracy in (0.4, 1.0):
        with pytest.raises(ValueError, match=r"has the accuracy 0\.7"):
            require(monkeypatch, [("test", "d0", accuracy), None, None], logits)
    logits[1] = [5, 5 - 6e-4, -1]
    with pytest.raises(ValueError, match=r"has the accuracy 0\.7"):
        require(monkeypatch, [("test", "d0", 0.9), None, None], logits)


def test_equal_logits_are_undecided():
    logits = np.array([[2.0, 1.0], [5.0, 5.0001], [5.0, 5.1], [0.0, 0.0]])
    assert agreement._undecided(logits) == 2
