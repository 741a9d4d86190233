"""Curves over T: what stands beside the band of the students."""

import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, people, study

from kd_keras.fairness import IndividualFairness
from pipelines.analysis.bands import Band
from pipelines.analysis.chance import ByChance
from pipelines.analysis.curves import curves, individual_curve
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.measures import Measure, model_cells
from pipelines.analysis.published import NOTHING, Number, Published
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER

ACCURACY, EOD = Measure("accuracy", ""), Measure("eod", "side")
T1, T4 = Model.named(DS, 1.0), Model.named(DS, 4.0)


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 1), temperatures=(1.0, 4.0), examples=30)


def test_a_curve_has_its_references_chance_and_published_values(several):
    runs = DataTable(
        "runs",
        "",
        (),
        [
            model_cells(model)
            | {"metric": m.metric, "attribute": m.attribute, "value": i + seed}
            for i, model in enumerate(several.models)
            for seed in (0, 1)
            for m in (ACCURACY, EOD)
        ],
    )
    bands = {
        m: Band(*(np.array([i, i + 1]) for i in range(3))) for m in (ACCURACY, EOD)
    }
    chance = {m: {EOD: ByChance(m.order, 9)} for m in several.models}
    chance[T4] = {EOD: ByChance(0.7, 9)}
    printed = {T4: 0.3, Model.named(TEACHER): 0.2, Model.named(NDS): 0.6}
    numbers = {model: Number(mean, 0.1, "x") for model, mean in printed.items()}
    published = Published({EOD: numbers}, {}, {})
    found = dict(curves(several, runs, bands, chance, published))
    assert list(found) == [ACCURACY, EOD]
    assert found[EOD].temperatures == [1.0, 4.0]
    assert found[EOD].references == {"teacher": 0.5, "nds": 1.5}
    assert found[EOD].chance == [2, 0.7]
    assert found[EOD].published == {4.0: 0.3}
    assert found[EOD].published_references == {"teacher": 0.2, "nds": 0.6}
    assert found[EOD].band is bands[EOD]
    assert (found[ACCURACY].chance, found[ACCURACY].published) == ([], {})


def individual(values):
    return {
        model: {
            seed: IndividualFairness(mean, 0.0, 1, 0, 0, 0.0)
            for seed, mean in enumerate(means)
        }
        for model, means in values.items()
    }


def test_individual_fairness_has_intervals_over_the_seeds(several):
    measured = individual(
        {
            Model.named(TEACHER): [0.2, 0.4],
            Model.named(NDS): [0.5, 0.6],
            T1: [0.1, 0.5],
            T4: [0.30, 0.31],
        }
    )
    curve = individual_curve(several, measured)
    assert curve.temperatures == [1.0, 4.0]
    assert curve.references == pytest.approx({"teacher": 0.3, "nds": 0.55})
    np.testing.assert_allclose(curve.band.mean, [0.3, 0.305])
    ends = scipy.stats.t.interval(0.95, 1, loc=[0.3, 0.305], scale=[0.2, 0.005])
    # It cannot fall below 0, and has no highest value.
    np.testing.assert_allclose(curve.band.lower, np.maximum(ends[0], 0), atol=1e-12)
    np.testing.assert_allclose(curve.band.upper, ends[1])
    assert curve.band.lower[0] == 0 < curve.band.lower[1]


def test_no_students_no_curve(several):
    answers = {r.run: {"test": r.logits["test"]} for r in several.results[:4]}
    few = study(PEOPLE, {"test": several.truth["test"]}, answers)
    assert individual_curve(few, {}) is None
    assert list(curves(few, DataTable("runs", "", (), []), {}, {}, NOTHING)) == []


@pytest.mark.parametrize("kept", [NDS, TEACHER])
def test_a_reference_that_is_not_there_is_left_out(several, kept):
    answers = {
        r.run: {"test": r.logits["test"]}
        for r in several.results
        if r.run.model in (kept, DS)
    }
    few = study(PEOPLE, {"test": several.truth["test"]}, answers)
    measured = individual({m: [0.2, 0.4] for m in few.models})
    assert list(individual_curve(few, measured).references) == [kept]
