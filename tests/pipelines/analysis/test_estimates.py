"""Estimates and their changes: values by Fairlearn, intervals by SciPy."""

import fairlearn.metrics
import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, people, study, truth

from kd_keras.fairness import bootstrap_values, gap_values
from kd_keras.fairness.bootstrap import BootstrapOptions
from pipelines.analysis import estimates
from pipelines.analysis.calibrated import calibration_values
from pipelines.studies.layout import DS, NDS, Run

EOD = "equalized_odds_difference"
OPTIONS = BootstrapOptions(level=0.9, replicates=400, kind="centred")


@pytest.fixture(scope="module")
def several():
    return people(seeds=(1,), temperatures=(4.0,), examples=150)


@pytest.fixture(scope="module")
def results(several):
    return several.models[several.nds][1], several.models[several.distilled[0]][1]


def eod(several, result):
    known = several.truth["test"].groups["age"] >= 0
    return fairlearn.metrics.equalized_odds_difference(
        several.truth["test"].labels[known],
        result.predicted("test")[known],
        sensitive_features=several.truth["test"].groups["age"][known],
    )


def test_a_gap_and_its_interval(several, results):
    _, ds = results
    found = estimates.gap(several, EOD, "age", ds, None, OPTIONS)
    assert found.value == pytest.approx(eod(several, ds), abs=1e-12)
    counts = several.counts(ds, "test").only("age")
    values = bootstrap_values(
        counts, lambda c: gap_values(c, EOD, attribute="age"), replicates=400
    )
    defined = values[np.isfinite(values)]
    # Percentiles, moved by as much as the mean replicate is off the estimate.
    ends = np.quantile(defined, [0.05, 0.95]) - defined.mean() + found.value
    assert (found.low, found.high) == pytest.approx(np.clip(ends, 0, 1))
    assert (found.level, found.reason) == (0.9, "")


def test_a_change_is_of_the_result_minus_the_base(several, results):
    nds, ds = results
    found = estimates.gap(several, EOD, "age", ds, nds, OPTIONS)
    assert found.value == pytest.approx(eod(several, ds) - eod(several, nds), abs=1e-12)
    assert found.low < found.value < found.high
    assert found.level == 0.9


def test_groups_with_too_little_evidence_do_not_decide():
    # Of c there are two positives, both wrong.
    labels = np.ones(22, int)
    age = np.repeat([0, 1, 2], [10, 10, 2])
    truths = {"test": truth(labels, {"age": age, "side": age % 2})}
    predicted = np.ones(22, int)
    predicted[[0, 20, 21]] = 0
    before = predicted.copy()
    before[[11, 12, 13]] = 0
    found = study(
        PEOPLE,
        truths,
        {Run(NDS, 0): {"test": before}, Run(DS, 0, 4.0): {"test": predicted}},
    )
    nds, ds = found.results
    name = "equal_opportunity_difference"

    def value(base, least):
        return estimates.gap(found, name, "age", ds, base, OPTIONS, least).value

    assert value(None, 2) == pytest.approx(1 - 0)
    assert value(None, 3) == pytest.approx(1 - 0.9)
    # nds: .9, .7 and 0.
    assert value(nds, 2) == pytest.approx(1 - 0.9)
    assert value(nds, 3) == pytest.approx(0.1 - 0.2)
    for base in (None, nds):
        few = estimates.gap(found, name, "age", ds, base, OPTIONS, 11)
        assert np.isnan([few.value, few.low, few.high]).all()
        assert few.reason.startswith("needs at least two groups with a defined true")
    # By default ten are needed: a and b have them, c does not.
    default = estimates.gap(found, name, "age", ds, None, OPTIONS)
    assert default.value == pytest.approx(1 - 0.9)


def test_the_interval_of_an_accuracy_is_wilsons(several, results):
    _, ds = results
    right = ds.predicted("test") == several.truth["test"].labels
    found = estimates.accuracy(several, ds, None, OPTIONS)
    ends = scipy.stats.binomtest(int(right.sum()), 150).proportion_ci(0.9, "wilson")
    assert (found.value, found.low, found.high) == pytest.approx((right.mean(), *ends))
    assert found.level == 0.9
    members = several.truth["test"].groups["age"] == 2
    found = estimates.accuracy(several, ds, None, OPTIONS, members)
    k, n = int(right[members].sum()), int(members.sum())
    ends = scipy.stats.binomtest(k, n).proportion_ci(0.9, "wilson")
    assert (found.value, found.low, found.high) == pytest.approx((k / n, *ends))
    nobody = estimates.accuracy(several, ds, None, OPTIONS, np.zeros(150, bool))
    assert np.isnan(nobody.value)


def test_the_change_of_an_accuracy_is_of_paired_answers(several, results):
    nds, ds = results
    labels = several.truth["test"].labels
    members = several.truth["test"].groups["side"] == 0
    gained = (ds.predicted("test") == labels).astype(int)
    gained -= nds.predicted("test") == labels
    for chosen in (np.ones(150, bool), members):
        found = estimates.accuracy(
            several, ds, nds, OPTIONS, None if chosen.all() else chosen
        )
        change = gained[chosen]
        assert found.value == pytest.approx(change.mean())
        width = 2 * 1.645 * change.std() / np.sqrt(change.size)
        # Two examples more make it a little wider.
        assert found.high - found.low == pytest.approx(width, rel=0.2)
        middle = (found.low + found.high) / 2
        assert middle == pytest.approx(change.mean(), abs=width / 5)
        assert found.level == 0.9


def test_ten_people_on_whom_both_are_right_prove_nothing():
    """Bonett & Price by hand: 1.96 sqrt((1 / 12 + 1 / 12) / 12) is .231."""
    labels = np.ones(10, int)
    truths = {"test": truth(labels, {"age": [0] * 10, "side": [0] * 10})}
    answers = {run: {"test": labels} for run in (Run(NDS, 0), Run(DS, 0, 4.0))}
    nds, ds = (found := study(PEOPLE, truths, answers)).results
    change = estimates.accuracy(found, ds, nds, {**OPTIONS, "level": 0.95})
    ends = (change.value, change.low, change.high)
    assert ends == pytest.approx((0, -0.231, 0.231), abs=5e-4)
    nobody = estimates.accuracy(found, ds, nds, OPTIONS, np.zeros(10, bool))
    assert np.isnan(nobody.value)


def test_a_change_ends_at_minus_1_and_1():
    labels = np.ones(3, int)
    truths = {"test": truth(labels, {"age": [0, 1, 2], "side": [0, 1, 0]})}
    answers = {Run(NDS, 0): {"test": [0, 0, 0]}, Run(DS, 0, 4.0): {"test": [1, 1, 1]}}
    nds, ds = (found := study(PEOPLE, truths, answers)).results
    gain = estimates.accuracy(found, ds, nds, OPTIONS)
    # Bonett & Price: (4 - 1) / 5 and 1.645 sqrt((1 - .36) / 5), which is .5885.
    assert (gain.value, gain.high) == (1, 1)
    assert gain.low == pytest.approx(0.0115, abs=1e-4)
    loss = estimates.accuracy(found, nds, ds, OPTIONS)
    assert (loss.value, loss.low) == (-1, -1)


@pytest.mark.parametrize("metric", ["ece", "brier", "nll"])
def test_calibration_of_members_and_its_change(several, results, metric):
    nds, ds = results
    members = several.truth["test"].groups["side"] == 1
    labels = several.truth["test"].labels[members]

    def values(result):
        logits = result.logits["test"][members]
        return calibration_values(labels, logits, metric, 400)

    for base in (None, nds):
        found = estimates.calibration(several, metric, ds, base, OPTIONS, members)
        expected = values(ds) - (0 if base is None else values(nds))
        assert found.value == pytest.approx(expected[0])
        draws = expected[1:]
        ends = np.quantile(draws, [0.05, 0.95]) - draws.mean() + expected[0]
        assert (found.low, found.high) == pytest.approx(tuple(ends))
        assert found.level == 0.9


def test_crossed_groups_of_another_split(several, results):
    nds, ds = results
    of = several.truth["validation"]
    side, age = (of.groups[name] for name in ("side", "age"))
    known = (side >= 0) & (age >= 0)

    def expected(result):
        return fairlearn.metrics.demographic_parity_difference(
            of.labels[known],
            result.predicted("validation")[known],
            sensitive_features=(3 * side + age)[known],
        )

    about = (several, "demographic_parity_difference", ("side", "age"), ds)
    for base, value in ((None, expected(ds)), (nds, expected(ds) - expected(nds))):
        found = estimates.gap(*about, base, OPTIONS, 1, "validation")
        assert found.value == pytest.approx(value, abs=1e-12)
        assert estimates.gap(*about, base, OPTIONS, 1).value != pytest.approx(value)


def test_without_draws_there_is_the_observed_calibration_alone(several, results):
    labels, logits = several.truth["test"].labels, results[0].logits["test"]
    (observed,) = calibration_values(labels, logits, "ece")
    assert observed == calibration_values(labels, logits, "ece", 3)[0]
