"""Accuracy against fairness on validation and test data."""

import pytest
from memory_study import people

from pipelines.analysis.choice import Choice
from pipelines.analysis.choice_table import choice_table
from pipelines.analysis.costs import ERROR, costs, default
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER


def test_every_model_has_its_values_of_both_splits():
    found = people(seeds=(0, 1), temperatures=(1.0, 4.0))
    names = (TEACHER, NDS, (DS, 1.0), (DS, 4.0))
    models = [Model.named(*([n] if isinstance(n, str) else n)) for n in names]
    teacher, nds, t1, t4 = models
    choice = Choice(
        error=dict(zip(models, (0.1, 0.2, 0.3, 0.4), strict=True)),
        cost=dict(zip(models, (0.5, 0.6, 0.7, 0.8), strict=True)),
        front=[nds, t4],
        tied=[t1, t4],
        chosen=t4,
        reason="",
    )
    table = choice_table(found, choice)
    errors, gaps = (costs(found, o, models, "test") for o in (ERROR, default(found)))
    assert [(r["model"], r["temperature"], r["choice"]) for r in table.rows] == [
        *(("teacher", None, ""), ("nds", None, "on the front")),
        *(("ds", 1.0, ""), ("ds", 4.0, "chosen")),
    ]
    for model, row in zip(models, table.rows, strict=True):
        assert row["validation_accuracy"] == 1 - choice.error[model]
        assert row["validation_eod"] == choice.cost[model]
        assert row["accuracy"] == pytest.approx(1 - errors[model][0])
        assert row["eod"] == pytest.approx(gaps[model][0])
    assert teacher == models[0]
    assert [column.name for column in table.columns] == [
        *("model", "temperature", "validation_accuracy", "validation_eod"),
        *("accuracy", "eod", "choice"),
    ]
    assert table.columns[4].title == "test accuracy, %"
    assert table.csv().splitlines()[1].startswith("teacher,,0.900000,0.500000,")
