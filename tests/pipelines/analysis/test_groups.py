"""Rows per group: calibration, confusion and error transfer, on unequal groups."""

import numpy as np
import pytest
import sklearn.metrics
from memory_study import PEOPLE, people, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.groups import (
    calibration_table,
    confusion_table,
    transfer_table,
)
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

GROUPS = [("age", "adult"), ("age", "old"), ("age", "young"), ("side", "a"),
          ("side", "b")]  # fmt: skip


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 2), temperatures=(4.0,))


def members(several, attribute, group):
    code = PEOPLE.groups[attribute].index(group)
    return several.truth["test"].groups[attribute] == code


def test_calibration_is_scikit_learns(several):
    table = calibration_table(several)
    assert [c.name for c in table.columns] == [
        *("attribute", "group", "model", "temperature"),
        *("examples", "accuracy", "ece", "brier", "nll"),
    ]
    # Groups by name, and models in their order within each.
    assert [(r["attribute"], r["group"], r["model"]) for r in table.rows] == [
        (*group, model) for group in GROUPS for model in ("teacher", "nds", "ds")
    ]
    labels = several.truth["test"].labels
    for row in table.rows:
        chosen = members(several, row["attribute"], row["group"])
        assert row["examples"] == chosen.sum()
        briers, nlls, rights, eces = [], [], [], []
        for r in several.models[Model.named(row["model"], row["temperature"])].values():
            scores = np.exp(r.logits["test"][chosen].astype(float))
            scores /= scores.sum(axis=1, keepdims=True)
            y = labels[chosen]
            briers.append(sklearn.metrics.brier_score_loss(y, scores[:, 1]))
            nlls.append(sklearn.metrics.log_loss(y, scores, labels=[0, 1]))
            right, sure = scores.argmax(axis=1) == y, scores.max(axis=1)
            rights.append(right.mean())
            bins = np.ceil(sure * 15)
            off = [(right - sure)[bins == b].sum() for b in range(16)]
            eces.append(np.abs(off).sum() / len(y))
        assert row["brier"] == pytest.approx(np.mean(briers), abs=1e-12)
        assert row["nll"] == pytest.approx(np.mean(nlls), abs=1e-12)
        assert row["accuracy"] == pytest.approx(np.mean(rights), abs=1e-12)
        assert row["ece"] == pytest.approx(np.mean(eces), abs=1e-12)


def test_confusion_is_scikit_learns(several):
    ds = several.distilled[0]
    table = confusion_table(several, [several.nds, ds])
    assert [c.name for c in table.columns] == [
        *("attribute", "group", "class", "model", "temperature"),
        *("tp", "fp", "fn", "tn", "evidence"),
    ]
    assert [(r["attribute"], r["group"], r["model"]) for r in table.rows] == [
        (*group, model) for group in GROUPS for model in ("nds", "ds")
    ]
    labels, words = several.truth["test"].labels, set()
    for row in table.rows:
        chosen = members(several, row["attribute"], row["group"])
        model = Model.named(row["model"], row["temperature"])
        matrices = [
            sklearn.metrics.confusion_matrix(
                labels[chosen], r.predicted("test")[chosen], labels=[0, 1]
            )
            for r in several.models[model].values()
        ]
        (tn, fp), (fn, tp) = np.mean(matrices, axis=0)
        assert [row[name] for name in ("tp", "fp", "fn", "tn")] == [tp, fp, fn, tn]
        assert row["class"] == "yes"
        few = min(tp + fn, fp + tn) < 10
        assert row["evidence"] == ("insufficient evidence" if few else "sufficient")
        words.add(row["evidence"])
    assert len(words) == 2


THREE = DatasetSpec(
    "three", PEOPLE.features, "y", ("red", "green", "blue"), {"side": ("b", "a")}
)


def test_classes_are_in_the_order_of_their_labels():
    found = study(
        THREE,
        {"test": truth([0, 1, 2, 2, 1], {"side": [0, 0, 0, 1, 1]})},
        {Run(NDS, 0): {"test": [0, 2, 2, 2, 0]}},
    )
    rows = confusion_table(found, [found.nds]).rows
    about = [(r["group"], r["class"], r["tp"], r["fp"], r["fn"], r["tn"]) for r in rows]
    assert about == [
        ("a", "red", 0, 1, 0, 1),
        ("a", "green", 0, 0, 1, 1),
        ("a", "blue", 1, 0, 0, 1),
        ("b", "red", 1, 0, 0, 2),
        ("b", "green", 0, 0, 1, 2),
        ("b", "blue", 1, 1, 0, 1),
    ]


def test_errors_are_traced_to_the_teacher_of_the_same_seed():
    found = study(
        PEOPLE,
        {"test": truth([1] * 6, {"side": [0, 0, 0, 0, 1, 1], "age": [-1] * 6})},
        {
            Run(TEACHER, 0): {"test": [0, 0, 1, 1, 1, 1]},
            Run(TEACHER, 1): {"test": [1, 1, 1, 0, 0, 1]},
            # Of b: shares 0, adds 2 and repairs 1; of a, adds 5.
            Run(DS, 0, 4.0): {"test": [0, 1, 0, 1, 1, 0]},
            # Of b: repairs 3; of a shares 4.
            Run(DS, 1, 4.0): {"test": [1, 1, 1, 1, 0, 1]},
            Run(DS, 7, 4.0): {"test": [0, 0, 0, 0, 0, 0]},
            Run(NDS, 7): {"test": [0, 0, 0, 0, 0, 0]},
        },
    )
    assert transfer_table(found).csv() == (
        "attribute,group,model,temperature,shared,introduced,repaired\n"
        "side,a,ds,4,0.250000,0.250000,0.000000\n"
        "side,b,ds,4,0.125000,0.125000,0.250000\n"
    )


def test_without_a_teacher_no_error_is_traced(several):
    answers = {
        r.run: {"test": r.logits["test"]}
        for r in several.results
        if r.run.model != TEACHER
    }
    alone = study(PEOPLE, {"test": several.truth["test"]}, answers)
    assert transfer_table(alone).rows == []


def test_models_stand_beside_each_other_within_a_class():
    answers = {"test": [0, 2, 2, 2, 0]}
    found = study(
        THREE,
        {"test": truth([0, 1, 2, 2, 1], {"side": [0, 0, 0, 1, 1]})},
        {Run(NDS, 0): answers, Run(DS, 0, 4.0): answers},
    )
    rows = confusion_table(found, found.students).rows
    assert [(r["group"], r["class"], r["model"]) for r in rows] == [
        (group, name, model)
        for group in ("a", "b")
        for name in ("red", "green", "blue")
        for model in ("nds", "ds")
    ]
