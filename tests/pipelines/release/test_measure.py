"""What a condition is about, and the evidence behind it: groups of unequal size."""

import dataclasses

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis import estimates
from pipelines.release.measure import measure
from pipelines.release.policy import Condition
from pipelines.studies.interval_options import intervals
from pipelines.studies.layout import DS, NDS, Run

TPR = "equal_opportunity_difference"
# Positives and negatives of young, adult and old; four more are of no age.
SIZES = ((8, 6), (5, 9), (3, 2))
AGE = np.concatenate([[i] * sum(size) for i, size in enumerate(SIZES)] + [[-1] * 4])
LABELS = np.concatenate([[1] * p + [0] * n for p, n in SIZES] + [[1, 1, 0, 0]])
OF_YES = "examples for true positive rate of yes in"
OLD = "old: 5 examples, 3 of them positives, not compared"
OPTIONS = {"level": 0.9, "replicates": 300}


@pytest.fixture(scope="module")
def by_hand():
    wrong = {
        # One positive of young, two of adult, all of old; and one of no age.
        Run(DS, 0, 4.0): [0, 14, 15, 28, 29, 30, 33],
        # Four positives of young.
        Run(NDS, 0): [0, 1, 2, 3],
    }
    answers = {
        run: {"test": LABELS ^ np.isin(np.arange(len(LABELS)), of_run)}
        for run, of_run in wrong.items()
    }
    truths = {"test": truth(LABELS, {"age": AGE, "side": np.arange(len(AGE)) % 2})}
    return study(PEOPLE, truths, answers)


def measured(found, against=None, **fields):
    nds, ds = found.results
    condition = Condition("c", **{"at_most": 1.0, "min_examples": 1, **fields})
    return measure(found, condition, ds, nds if against else None, **OPTIONS)[:2]


@pytest.mark.parametrize(
    ("least", "value", "missing"),
    [
        (3, 7 / 8 - 0, ""),
        # Old has three positives, adult five, young eight.
        (4, 7 / 8 - 3 / 5, f"fewer than 4 {OF_YES} old ({OLD})"),
        (5, 7 / 8 - 3 / 5, f"fewer than 5 {OF_YES} old ({OLD})"),
        (6, np.nan,
         f"fewer than 6 {OF_YES} adult, old (adult: 14 examples, 5 of them positives, "
         f"not compared; {OLD})"),
    ],
)  # fmt: skip
def test_groups_with_too_little_evidence_decide_no_gap(by_hand, least, value, missing):
    interval, found = measured(by_hand, metric=TPR, attribute="age", min_examples=least)
    assert interval.value == pytest.approx(value, nan_ok=True)
    assert found == missing


def test_a_change_of_a_gap_leaves_out_the_same_groups(by_hand):
    interval, missing = measured(
        by_hand, "nds", metric=TPR, attribute="age", min_examples=4
    )
    # nds: 4/8 and 1; ds: 7/8 and 3/5.
    assert interval.value == pytest.approx((7 / 8 - 3 / 5) - (1 - 4 / 8))
    assert missing.endswith(f"in old ({OLD})")
    interval, missing = measured(by_hand, "nds", metric=TPR, attribute="age")
    assert interval.value == pytest.approx(7 / 8 - (1 - 4 / 8))
    assert missing == ""


def test_intervals_have_the_policys_level_and_replicates(by_hand):
    nds, ds = by_hand.results
    options = intervals(0.9, 300)
    for against in (None, nds):
        found, _ = measured(by_hand, against, metric=TPR, attribute="age")
        # As the condition, of at least one example.
        expected = estimates.gap(by_hand, TPR, "age", ds, against, options, 1)
        assert found == expected
        found, _ = measured(by_hand, against, metric="accuracy")
        assert found == estimates.accuracy(by_hand, ds, against, options)
        for metric in ("ece", "brier", "nll"):
            found, _ = measured(by_hand, against, metric=metric)
            everybody = np.ones(len(AGE), bool)
            assert found == estimates.calibration(
                by_hand, metric, ds, against, options, everybody
            )


def test_a_group_is_measured_alone(by_hand):
    fields = {"metric": "accuracy", "attribute": "age"}
    found, missing = measured(by_hand, **fields, group="adult")
    assert (found.value, missing) == (pytest.approx(12 / 14), "")
    found, _ = measured(
        by_hand, "nds", metric="accuracy", attribute="age", group="young"
    )
    assert found.value == pytest.approx(3 / 14)
    found, _ = measured(by_hand, metric="ece", attribute="age", group="old")
    # Confidences are 1 / (1 + 1 / e); two of five are right.
    assert found.value == pytest.approx(1 / (1 + np.exp(-1)) - 2 / 5)
    # An attribute without a group stands for all examples.
    found, _ = measured(by_hand, metric="accuracy", attribute="age")
    assert found.value == pytest.approx(30 / 37)


@pytest.mark.parametrize("metric", ["accuracy", "ece"])
def test_too_few_examples_are_told(by_hand, metric):
    fields = {"metric": metric, "attribute": "age", "group": "old"}
    assert measured(by_hand, **fields, min_examples=5)[1] == ""
    found, missing = measured(by_hand, **fields, min_examples=6)
    assert missing == "5 of 6 examples"
    assert not np.isnan(found.value)
    assert measured(by_hand, metric=metric, min_examples=37)[1] == ""
    assert measured(by_hand, metric=metric, min_examples=38)[1] == "37 of 38 examples"


@pytest.mark.parametrize("metric", ["accuracy", "ece"])
def test_a_group_without_examples_has_no_value(metric):
    truths = {"test": truth([0, 1], {"age": [0, 1], "side": [0, 1]})}
    found = study(
        PEOPLE,
        truths,
        {Run(NDS, 0): {"test": [0, 1]}, Run(DS, 0, 4.0): {"test": [0, 1]}},
    )
    interval, missing = measured(
        found, metric=metric, attribute="age", group="old", min_examples=3
    )
    assert np.isnan([interval.value, interval.low, interval.high]).all()
    assert (interval.level, missing) == (0.9, "0 of 3 examples")


def test_who_decides_is_told_with_sizes(by_hand):
    _, ds = by_hand.results
    about = {"at_most": 1.0, "min_examples": 4}
    condition = Condition("c", TPR, "age", **about)
    found = measure(by_hand, condition, ds, None, **OPTIONS)
    assert found.people == (
        "adult (14 examples, 5 of them positives) and young (14 examples, 8 of them "
        "positives)"
    )
    assert list(found.left_out) == [OLD, "4 examples without a group, not compared"]
    condition = Condition("c", "accuracy", "age", "old", **about)
    assert measure(by_hand, condition, ds, None, **OPTIONS).people == "5 examples"


def test_crossed_groups(by_hand):
    # Young of side a: even places of 14 are b; one error at place 0, of b.
    fields = {"metric": "accuracy", "attribute": ("age", "side")}
    found, missing = measured(by_hand, **fields, group=("young", "b"))
    assert (found.value, missing) == (pytest.approx(6 / 7), "")
    found, _ = measured(by_hand, metric="accuracy_gap", attribute=("age", "side"))
    # Old: wrong at 28, 29, 30 of 28 to 32: of a (odd places) one of two is wrong, of b
    # two of three; young of a has no error.
    assert found.value == pytest.approx(1 - 1 / 3)
    _, missing = measured(
        by_hand, metric="accuracy_gap", attribute=("age", "side"), min_examples=3
    )
    assert missing == (
        "fewer than 3 examples for accuracy in old, a (old, a: 2 examples, not "
        "compared)"
    )


THREE = DatasetSpec(
    "three", PEOPLE.features, "y", ("red", "green", "blue"), {"side": ("b", "a")}
)


def test_three_rates_are_named_and_the_others_counted():
    labels = [0, 1, 2, 0, 1, 2, 0, 1, 2]
    truths = {"test": truth(labels, {"side": [0] * 6 + [1] * 3})}
    answers = {run: {"test": labels} for run in (Run(NDS, 0), Run(DS, 0, 4.0))}
    found = study(THREE, truths, answers)
    _, missing = measured(
        found, metric="equalized_odds_difference", attribute="side", min_examples=3
    )
    # The six rates of two classes' sizes: three TPRs of a and b, three FPRs of a.
    assert missing == (
        "fewer than 3 examples for true positive rate of red in a, b; true positive "
        "rate of green in a, b; true positive rate of blue in a, b and 3 more rates "
        "(a: 3 examples, 1 of them positives, not compared; b: 6 examples, 2 of them "
        "positives, not compared)"
    )
    _, missing = measured(found, metric=TPR, attribute="side", min_examples=2)
    assert missing == (
        "fewer than 2 examples for true positive rate of red in a; true positive rate "
        "of green in a; true positive rate of blue in a (a: 3 examples, 1 of them "
        "positives, not compared)"
    )
    _, missing = measured(found, metric="accuracy_gap", attribute="side",
                          min_examples=4)  # fmt: skip
    assert missing == (
        "fewer than 4 examples for accuracy in a (a: 3 examples, not compared)"
    )


def test_one_group_alone_has_no_gap():
    truths = {"test": truth([0, 1, 1], {"age": [0, 0, -1], "side": [0, 1, 0]})}
    answers = {"test": [0, 1, 1]}
    found = study(PEOPLE, truths, {Run(NDS, 0): answers, Run(DS, 0, 4.0): answers})
    interval, missing = measured(found, metric="accuracy_gap", attribute="age")
    assert np.isnan(interval.value)
    assert missing.startswith("needs at least two groups, has 1")


@pytest.mark.parametrize(("small", "more"), [(5, ""), (6, "; and 1 more groups")])
def test_of_many_groups_that_are_too_small_five_are_named(small, more):
    names = tuple("abcdefgh"[: small + 2])
    # Three examples of the first two groups, one of each other.
    codes = [0, 0, 0, 1, 1, 1, *range(2, small + 2)]
    spec = dataclasses.replace(PEOPLE, groups={"age": names})
    labels = [0, 1] * 6
    answers = {"test": labels[: len(codes)]}
    truths = {"test": truth(answers["test"], {"age": codes})}
    found = study(spec, truths, {Run(NDS, 0): answers, Run(DS, 0, 4.0): answers})
    _, missing = measured(found, metric="accuracy_gap", attribute="age", min_examples=3)
    shown = "; ".join(f"{name}: 1 example, not compared" for name in "cdefg")
    few = ", ".join(names[2:])
    assert missing == f"fewer than 3 examples for accuracy in {few} ({shown}{more})"
