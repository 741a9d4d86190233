"""What validation's T gains on test, by hand."""

import numpy as np
import pytest
from memory_study import PEOPLE, people, study, truth

from pipelines.analysis.choice_gain import gain_table, gains
from pipelines.analysis.measures import ACCURACY, Measure
from pipelines.studies.layout import DS, NDS, Run

DPD_BY_SIDE = Measure("dpd", "side")
# 97.5 % of Student's t with one degree of freedom, as printed.
T_ONE = 12.706


def _wrong(*wrong):
    """Eight examples of class 1, with these answered wrongly."""
    return np.array([0 if i in wrong else 1 for i in range(8)])


@pytest.fixture(scope="module")
def found():
    # The first four are of group b, the others of a: both splits alike.
    labels = truth([1] * 8, {"side": [0] * 4 + [1] * 4, "age": [0] * 8})
    answers = {
        # Seed 0: validation prefers T=4 by accuracy; on test it is 5/8, T=1 7/8.
        Run(DS, 0, 1.0): {"validation": _wrong(0, 1), "test": _wrong(0)},
        Run(DS, 0, 4.0): {"validation": _wrong(0), "test": _wrong(0, 1, 4)},
        # Seed 1: T=1 is better in both: 1 and 1/2.
        Run(DS, 1, 1.0): {"validation": _wrong(), "test": _wrong()},
        Run(DS, 1, 4.0): {"validation": _wrong(5), "test": _wrong(0, 1, 2, 4)},
        Run(NDS, 0): {"validation": _wrong(), "test": _wrong()},
    }
    return study(PEOPLE, {"validation": labels, "test": labels}, answers)


def test_accuracy_by_hand(found):
    gain = {g.measure: g for g in gains(found)}[Measure(ACCURACY, "")]
    # From means of 6/8 and 6/8: 5/8 and 8/8, where 7/8 and 8/8 would be the best.
    assert gain.mean == pytest.approx((-1 / 8 + 2 / 8) / 2)
    assert gain.most == pytest.approx((1 / 8 + 2 / 8) / 2)
    half = T_ONE * (3 / 8 / np.sqrt(2)) / np.sqrt(2)
    assert gain.lower == pytest.approx(1 / 16 - half, rel=1e-3)
    assert gain.upper == pytest.approx(1 / 16 + half, rel=1e-3)
    assert (gain.seeds, gain.verdict) == (2, "not sure")


def test_a_smaller_gap_is_better(found):
    gain = {g.measure: g for g in gains(found)}[DPD_BY_SIDE]
    # Shares of b and a that are predicted 1. Seed 0, validation: 2/4 and 1 at T=1, 3/4
    # and 1 at T=4, which is taken; test: a gap of 1/4 at both. Seed 1, validation: no
    # gap at T=1; test: none there, 1/2 at T=4.
    assert gain.mean == pytest.approx((0 - 1 / 4) / 2)
    assert gain.most == pytest.approx((0 - 1 / 4) / 2)


def test_the_table_says_whether_it_helps(found):
    table = gain_table(found, gains(found))
    assert table.csv().splitlines()[0] == (
        "measure,seeds,change,lower,upper,most,verdict"
    )
    sure = gains(found)[0]._replace(lower=0.01, upper=0.02)
    assert sure.verdict == "helps"
    assert sure._replace(lower=-0.02, upper=-0.01).verdict == "harms"
    of_gap = sure._replace(measure=DPD_BY_SIDE)
    assert of_gap.verdict == "harms"
    assert of_gap._replace(lower=-0.02, upper=-0.01).verdict == "helps"


def test_one_temperature_leaves_nothing_to_choose():
    assert gains(people(temperatures=(4.0,), examples=30)) == []


def test_a_gap_that_is_undefined_is_left_out():
    config = {"evaluation": {"split": "test", "min_examples": 50}}
    measures = [g.measure for g in gains(people(examples=30, config=config))]
    assert measures == [Measure(ACCURACY, "")]


@pytest.mark.parametrize(
    ("lower", "upper"), [(0.0, 0.1), (-0.1, 0.0), (-0.1, 0.1), (0.0, 0.0)]
)
@pytest.mark.parametrize("place", [0, 1])
def test_an_interval_that_reaches_0_is_not_sure(found, place, lower, upper):
    assert gains(found)[place]._replace(lower=lower, upper=upper).verdict == "not sure"


def without(found, *runs, splits=("validation", "test")):
    answers = {
        r.run: {split: r.logits[split] for split in splits}
        for r in found.results
        if r.run not in runs
    }
    return study(PEOPLE, {split: found.truth[split] for split in splits}, answers)


def test_seeds_that_lack_a_temperature_are_left_out(found):
    for gain in gains(without(found, Run(DS, 1, 1.0))):
        assert gain.seeds == 1
    gain = gains(without(found, Run(DS, 1, 1.0)))[0]
    assert (gain.mean, gain.most) == pytest.approx((-1 / 8, 1 / 8))
    assert gains(without(found, Run(DS, 1, 1.0), Run(DS, 0, 4.0))) == []


def test_without_validation_nothing_is_chosen(found):
    assert gains(without(found, splits=("test",))) == []


def test_the_table_has_the_numbers_of_its_gains(found):
    (accuracy, *_) = rows = gain_table(found, gains(found)).rows
    assert (accuracy["measure"], accuracy["seeds"]) == ("accuracy", 2)
    assert (accuracy["change"], accuracy["most"]) == pytest.approx((1 / 16, 3 / 16))
    assert accuracy["lower"] < accuracy["change"] < accuracy["upper"]
    assert len(rows) == len(gains(found))
