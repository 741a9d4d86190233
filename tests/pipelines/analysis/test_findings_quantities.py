"""What the findings are about, of every draw: counted example by example."""

import fairlearn.metrics
import numpy as np
import pytest
import scipy.special
from memory_study import PEOPLE, people, study, truth

from kd_keras.fairness import IndividualFairness
from pipelines.analysis import findings_quantities as quantities
from pipelines.analysis.findings_quantities import GapName
from pipelines.analysis.joint_counts import joint_counts, observed_and_resampled
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

DPD, EOD = "demographic_parity_difference", "equalized_odds_difference"
FPR = "false_positive_rate_difference"
T4 = Model.named(DS, 4.0)


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 3), temperatures=(4.0,), examples=60)


@pytest.fixture(scope="module")
def found(several):
    return quantities.measure(several, None)


def test_what_is_measured_and_what_it_is_called(found):
    assert [name.title for name in found.gaps] == [
        *("DPD by side", "EOD by side", "the FPR gap by side"),
        *("DPD by age", "EOD by age", "the FPR gap by age"),
    ]
    crossed = GapName(FPR, ("side", "age"))
    assert crossed.title == "the FPR gap by side x age"
    assert found.individual == {}


def test_observed_values_come_first_and_500_draws_follow(several, found):
    of_test = several.truth["test"]
    for model, seeds in several.models.items():
        for seed, result in seeds.items():
            predicted = result.predicted("test")
            right = predicted == of_test.labels
            accuracy = found.accuracy[model][seed]
            assert accuracy.shape == (501,)
            assert accuracy[0] == pytest.approx(right.mean())
            by_class = found.classes[model][seed]
            assert by_class.shape == (501, 2)
            assert by_class[0] == pytest.approx(
                [right[of_test.labels == k].mean() for k in (0, 1)]
            )
            known = of_test.groups["age"] >= 0
            eod = fairlearn.metrics.equalized_odds_difference(
                of_test.labels[known],
                predicted[known],
                sensitive_features=of_test.groups["age"][known],
            )
            values = found.gaps[GapName(EOD, "age")][model][seed]
            assert values.shape == (501,)
            assert values[0] == pytest.approx(eod)


def test_every_draw_has_the_values_of_its_examples(several, found):
    counts = joint_counts(several, "test")[T4][3]
    drawn = np.concatenate(
        [
            np.stack([_of_draw(block, i) for i in range(len(block.counts))])
            for block in observed_and_resampled(counts, 500)
        ]
    )
    accuracy, no, yes = drawn.T
    np.testing.assert_allclose(found.accuracy[T4][3], accuracy)
    np.testing.assert_allclose(found.classes[T4][3], np.stack([no, yes], axis=1))
    assert len(set(accuracy)) > 5


def _of_draw(block, i):
    """Accuracy, and that of either class, of one draw's examples."""
    label = np.repeat(block.label, block.counts[i])
    said = np.repeat(block.prediction, block.counts[i])
    right = label == said
    return right.mean(), right[label == 0].mean(), right[label == 1].mean()


def test_calibration_and_confidence_are_observed_alone(several, found):
    labels = several.truth["test"].labels
    for model, seeds in several.models.items():
        for seed, result in seeds.items():
            p = scipy.special.softmax(result.logits["test"].astype(float), axis=1)
            sure, right = p.max(axis=1), p.argmax(axis=1) == labels
            assert found.confidence[model][seed] == pytest.approx([sure.mean()])
            # Guo et al. 2017: 15 bins, open on the left.
            bins = np.ceil(sure * 15)
            off = [(right - sure)[bins == b].sum() for b in range(16)]
            ece = np.abs(off).sum() / len(labels)
            assert found.ece[model][seed] == pytest.approx([ece])


def test_whom_a_gap_leaves_out_is_asked_of_the_observed_examples():
    # Ten of each side are enough; in half of the draws one side has fewer.
    labels, sides = np.tile([0, 1], 10), np.repeat([0, 1], 10)
    truths = {"test": truth(labels, {"side": sides, "age": np.zeros(20, int)})}
    for least, defined in ((10, True), (11, False)):
        config = {"evaluation": {"split": "test", "min_examples": least}}
        made = study(PEOPLE, truths, {Run(DS, 0, 4.0): {"test": labels}}, config=config)
        values = quantities.measure(made, None).gaps[GapName(DPD, "side")][T4][0]
        assert np.isfinite(values).all() == defined
        assert np.isfinite(values).any() == defined


def test_students_of_other_methods_are_not_measured():
    answers = {"test": [0, 1]}
    truths = {"test": truth([0, 1], {"side": [0, 1], "age": [0, 1]})}
    runs = [Run(TEACHER, 0), Run(DS, 0, 4.0), Run(DS, 0, 4.0, "balanced")]
    made = study(PEOPLE, truths, dict.fromkeys(runs, answers))
    found = quantities.measure(made, None)
    assert list(found.accuracy) == list(found.ece) == [Model.named(TEACHER), T4]


def individual(*by_seed):
    return {
        seed: IndividualFairness(mean, 0.0, 1, 0, 0, 0.0)
        for seed, mean in enumerate(by_seed)
    }


def test_individual_fairness_is_over_that_of_nds_of_the_seed(several):
    nds = Model.named(NDS)
    measured = {nds: individual(0.5, 0.4), T4: individual(0.25, 0.3, 0.9)}
    found = quantities.measure(several, measured).individual
    assert {seed: v.tolist() for seed, v in found[T4].items()} == {
        0: [0.5],
        1: [pytest.approx(0.75)],
    }
    assert found[nds] == {0: [1], 1: [1]}
    alone = {T4: individual(0.25)}
    assert quantities.measure(several, alone).individual == {T4: {}}


def test_seeds_that_all_models_have_are_taken():
    nds = Model.named(NDS)
    values = {
        nds: {2: np.array([1.0, 2.0]), 0: np.array([3.0, 4.0])},
        T4: {0: np.array([5.0, 6.0]), 1: np.array([7.0, 8.0]), 2: np.array([9.0, 0.0])},
    }
    found = quantities.of_seeds(values, [nds, T4])
    np.testing.assert_array_equal(found, [[[1, 2], [3, 4]], [[9, 0], [5, 6]]])
    assert quantities.of_seeds(values, [T4]).shape == (1, 3, 2)
    for models in ([T4, Model.named(TEACHER)], [Model.named(TEACHER), T4]):
        assert quantities.of_seeds(values, models).shape == (2, 0, 1)
    apart = {nds: {0: values[nds][0]}, T4: {1: values[T4][1]}}
    assert quantities.of_seeds(apart, [nds, T4]).shape == (2, 0, 1)


def test_the_two_way_bootstrap_is_drawn_again_alike():
    values = np.random.default_rng(5).normal(size=(4, 31))
    values[1, 7] = np.nan
    # As documented: each replicate draws the seeds anew, by NumPy's seed 0.
    drawn = np.random.default_rng(0).integers(4, size=(4, 30))
    means = [np.mean(values[drawn[:, i], i + 1]) for i in range(30)]
    means = np.array([mean for mean in means if not np.isnan(mean)])
    ends = values[:, 0].mean() + np.quantile(means, [0.05, 0.95]) - means.mean()
    assert quantities.two_way_interval(values, 0.9) == pytest.approx(tuple(ends))
    values[:, 1:] = np.nan
    assert np.isnan(quantities.two_way_interval(values, 0.9)).all()


@pytest.mark.parametrize(("shape", "there"), [((2, 2), True), ((2, 1), False)])
def test_two_seeds_and_one_draw_are_enough_for_a_bootstrap(shape, there):
    found = quantities.two_way_interval(np.ones(shape), 0.95)
    assert np.isfinite(found).all() == there
