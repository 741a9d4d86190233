"""Means over seeds, of intervals that are made up."""

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.fairness import Interval
from pipelines.analysis import seed_means
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, Run

DPD = "demographic_parity_difference"
T4, NDS_MODEL = Model.named(DS, 4.0), Model.named(NDS)


def test_values_and_ends_are_averaged():
    one, two = Interval(0.2, 0.1, 0.5, 0.9), Interval(0.4, 0.2, 0.6, 0.9)
    found = seed_means.mean_of([one, two])
    ends = (found.value, found.low, found.high)
    assert ends == pytest.approx((0.3, 0.15, 0.55))
    assert (found.level, found.reason) == (0.9, "")
    assert seed_means.mean_of([one]) == one


def test_a_reason_is_the_first_that_there_is():
    nothing = Interval(np.nan, np.nan, np.nan, 0.95, reason="one group")
    later = Interval(np.nan, np.nan, np.nan, 0.95, reason="no examples")
    found = seed_means.mean_of([Interval(0.2, 0.1, 0.5, 0.95), nothing, later])
    assert found.reason == "one group"
    assert np.isnan([found.value, found.low, found.high]).all()


def selecting(side_b, side_a, least=1):
    """Of 40 of each side so many are selected, by seed."""
    sides = {"side": np.repeat([0, 1], 40), "age": np.zeros(80, int)}
    answers = {}
    for run in (Run(NDS, 0), Run(NDS, 5), Run(DS, 0, 4.0), Run(DS, 1, 4.0)):
        b, a = (side_b, side_a) if run.model == DS else (20, 20)
        said = [np.arange(40) < n + run.seed for n in (b, a)]
        answers[run] = {"test": np.concatenate(said).astype(int)}
    config = {"evaluation": {"split": "test", "min_examples": least}}
    labels = np.tile([0, 1], 40)
    return study(PEOPLE, {"test": truth(labels, sides)}, answers, config=config)


def test_gaps_and_changes_are_of_each_run():
    made = selecting(30, 10)
    gaps = seed_means.gaps(made, DPD, "side", T4, 0.8)
    assert [one.value for one in gaps] == pytest.approx([0.5, 0.5])
    assert {one.level for one in gaps} == {0.8}
    wide = seed_means.gaps(made, DPD, "side", T4, 0.99)
    assert wide[0].low < gaps[0].low < 0.5 < gaps[0].high < wide[0].high
    # Of the one seed that both have.
    (change,) = seed_means.changes(made, DPD, "side", T4, NDS_MODEL, 0.8)
    assert (change.value, change.level) == (pytest.approx(0.5), 0.8)
    (back,) = seed_means.changes(made, DPD, "side", NDS_MODEL, T4, 0.8)
    assert back.value == pytest.approx(-0.5)


@pytest.mark.parametrize(("least", "defined"), [(40, True), (41, False)])
def test_small_groups_have_no_gap(least, defined):
    made = selecting(30, 10, least)
    found = seed_means.gaps(made, DPD, "side", T4, 0.8)
    found += seed_means.changes(made, DPD, "side", T4, NDS_MODEL, 0.8)
    assert np.isfinite([one.value for one in found]).all() == defined
    assert all(bool(one.reason) != defined for one in found)
