"""Joint bands: by hand, against Fairlearn and against redrawn examples."""

import fairlearn.metrics
import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, people, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.bands import (
    Band,
    band_table,
    bands,
    change_table,
    joint_band,
    replicate,
    seed_changes,
    seed_mean,
)
from pipelines.analysis.measures import Measure
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

SIDES = DatasetSpec("sides", PEOPLE.features, "y", ("no", "yes"), {"side": ("b", "a")})
TEACHER_MODEL, NDS_MODEL = Model.named(TEACHER), Model.named(NDS)
T1, T4 = Model.named(DS, 1.0), Model.named(DS, 4.0)
DPD, EOD = Measure("dpd", "side"), Measure("eod", "side")
ACCURACY = Measure("accuracy", "")


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 1), temperatures=(1.0, 4.0))


@pytest.fixture(scope="module")
def replicates(several):
    return replicate(several)


def test_joint_band_is_the_quantile_of_the_largest_deviation():
    # Deviations -2..2 of both rows, the second at twice the scale: 95 % of the five
    # replicates deviate by no more than 2 (second: 4). The first is cut off at 11.
    one = [10.0, 8, 9, 10, 11, 12]
    two = [6.0, 2, 4, 6, 8, 10]
    band = joint_band(np.array([one, two]), low=0, high=11)
    np.testing.assert_allclose(band.mean, [10, 6])
    np.testing.assert_allclose(band.lower, [8, 2])
    np.testing.assert_allclose(band.upper, [11, 10])


def test_joint_band_is_cut_off_where_the_quantity_ends():
    band = joint_band(np.array([[2.0, -3, 7]]), low=1, high=3)
    assert (band.lower[0], band.upper[0]) == (1, 3)


def test_joint_band_is_around_the_observed_value_and_not_the_mean_replicate():
    # Replicates 4 to 6 around 5, their largest deviation is 1; observed is 1.
    band = joint_band(np.array([[1.0, 4, 5, 6, 4, 6]]), low=-9, high=9)
    np.testing.assert_allclose((band.lower, band.mean, band.upper), [[0], [1], [2]])


def test_joint_band_leaves_out_replicates_with_an_undefined_mean():
    values = np.array([[5.0, 4, 6, 100, 4, 6], [5.0, 4, 6, np.nan, 6, 4]])
    band = joint_band(values, low=0, high=99)
    np.testing.assert_allclose(band.lower, [4, 4])
    np.testing.assert_allclose(band.upper, [6, 6])


def test_joint_band_without_a_defined_replicate_has_no_ends():
    band = joint_band(np.array([[5.0, 1, np.nan], [4.0, np.nan, 2]]), 0, 9)
    np.testing.assert_array_equal(band.mean, [5, 4])
    assert np.isnan([band.lower, band.upper]).all()
    assert band.lower.shape == band.upper.shape == (2,)


def test_a_mean_that_no_draw_changes_has_no_width():
    band = joint_band(np.array([[5.0, 5, 5, 5, 5], [3.0, 2, 4, 2, 4]]), 0, 9)
    np.testing.assert_allclose(band.lower, [5, 2])
    np.testing.assert_allclose(band.upper, [5, 4])


def test_a_rare_replicate_does_not_widen_the_band():
    # 99 replicates deviate by .01 and one by .99: 95 % by no more than .01.
    band = joint_band(np.array([[0.5, *[0.0] * 99, 1.0]]), 0, 1)
    assert band.upper[0] - band.lower[0] == pytest.approx(0.02)


def test_joint_band_covers_all_means_in_95_percent_of_samples():
    rng = np.random.default_rng(0)
    expected = np.linspace(0.3, 0.7, 6)
    covered = 0
    for _ in range(400):
        sample = expected + rng.normal(scale=0.2, size=(80, 6))
        draws = rng.multinomial(80, np.full(80, 1 / 80), size=500) / 80
        values = np.vstack([sample.mean(axis=0), draws @ sample]).T
        band = joint_band(values, low=-1, high=2)
        covered += np.all((band.lower <= expected) & (expected <= band.upper))
    # Three standard errors of 400 samples at 95 %: 3.3 points.
    assert 0.917 <= covered / 400 <= 0.983


def test_replicates_begin_with_what_was_observed(several, replicates):
    of_test = several.truth["test"]
    oracles = {
        "dpd": fairlearn.metrics.demographic_parity_difference,
        "eod": fairlearn.metrics.equalized_odds_difference,
    }
    for model, seeds in several.models.items():
        for seed, result in seeds.items():
            found, predicted = replicates[model][seed], result.predicted("test")
            right = np.mean(predicted == of_test.labels)
            assert found[ACCURACY][0] == pytest.approx(right, abs=1e-12)
            for attribute, groups in of_test.groups.items():
                known = groups >= 0
                for metric, oracle in oracles.items():
                    expected = oracle(
                        of_test.labels[known],
                        predicted[known],
                        sensitive_features=groups[known],
                    )
                    value = found[Measure(metric, attribute)][0]
                    assert value == pytest.approx(expected, abs=1e-12)


def test_there_are_1000_replicates_that_spread_as_redrawn_examples_do(
    several, replicates
):
    of_test, measure = several.truth["test"], Measure("dpd", "side")
    predicted = several.models[several.distilled[1]][1].predicted("test")
    found = replicates[several.distilled[1]][1]
    assert {values.shape for values in found.values()} == {(1001,)}
    rng = np.random.default_rng(1)
    redrawn = {measure: [], ACCURACY: []}
    for _ in range(1000):
        drawn = rng.integers(len(predicted), size=len(predicted))
        group, says = of_test.groups["side"][drawn], predicted[drawn]
        rates = [np.mean(says[group == g]) for g in (0, 1)]
        redrawn[measure].append(abs(rates[0] - rates[1]))
        redrawn[ACCURACY].append(np.mean(says == of_test.labels[drawn]))
    for measured, values in redrawn.items():
        assert scipy.stats.ks_2samp(found[measured][1:], values).pvalue > 0.01


def test_equal_runs_do_not_differ_in_any_replicate(several):
    again = study(
        PEOPLE,
        several.truth,
        {
            Run(model, 0, temperature): several.models[several.nds][0].logits
            for model, temperature in ((NDS, None), (DS, 4.0))
        },
    )
    change = seed_changes(replicate(again), Measure("eod", "side"), T4, NDS_MODEL)
    assert change.shape == (1, 1001)
    np.testing.assert_array_equal(change, 0)


def made_up(values):
    """Of 16ths: model -> seed -> accuracy, its replicates included, and larger gaps."""
    return {
        model: {
            seed: {
                ACCURACY: np.array(row) / 16,
                DPD: np.array(row) / 8,
                EOD: np.array(row) / 4,
            }
            for seed, row in seeds.items()
        }
        for model, seeds in values.items()
    }


MADE_UP = made_up(
    {
        TEACHER_MODEL: {0: [4, 4, 4], 2: [2, 2, 2]},
        NDS_MODEL: {0: [2, 2, 2], 1: [4, 4, 4], 2: [4, 4, 4]},
        T1: {1: [5, 4, 6], 0: [1, 2, 0]},
        T4: {2: [2, 0, 4], 5: [6, 6, 6]},
    }
)


def runs_of(values, without=()):
    """A study of the made-up models and seeds; its answers do not matter."""
    answers = {"test": [0, 1]}
    return study(
        SIDES,
        {"test": truth([0, 1], {"side": [0, 1]})},
        {
            Run(model.name, seed, model.temperature): answers
            for model, seeds in values.items()
            for seed in seeds
            if model not in without
        },
    )


def test_means_are_over_the_seeds():
    np.testing.assert_array_equal(16 * seed_mean(MADE_UP, ACCURACY, T1), [3, 3, 3])
    np.testing.assert_array_equal(4 * seed_mean(MADE_UP, EOD, T4), [4, 3, 5])


def test_changes_are_of_the_seeds_that_both_models_have():
    found = seed_changes(MADE_UP, DPD, T1, NDS_MODEL)
    # Seeds 1 and 0, in the order of T=1.
    np.testing.assert_array_equal(8 * found, [[1, 0, 2], [-1, 0, -2]])
    found = seed_changes(MADE_UP, ACCURACY, T4, TEACHER_MODEL)
    np.testing.assert_array_equal(16 * found, [[0, -2, 2]])


def test_bands_hold_for_all_temperatures_together():
    found = bands(runs_of(MADE_UP), MADE_UP)
    assert list(found) == [ACCURACY, DPD, EOD]
    # T=1 does not vary; T=4 by one sixteenth around four.
    np.testing.assert_allclose(16 * np.array(found[ACCURACY]), [[3, 4], [3, 3], [3, 5]])
    np.testing.assert_allclose(4 * found[EOD].mean, [3, 4])


def test_bands_end_at_0_and_1():
    values = made_up({T1: {0: [2, -20, 24]}})
    found = bands(runs_of(values), values)
    assert (found[DPD].lower[0], found[DPD].upper[0]) == (0, 1)


def test_without_students_there_are_no_bands():
    values = made_up({TEACHER_MODEL: {0: [3, 3]}, NDS_MODEL: {0: [1, 1]}})
    assert bands(runs_of(values), values) == {}


def test_table_of_bands():
    found = {
        ACCURACY: Band(*np.array([[0.9, 0.8], [0.85, 0.7], [0.95, 0.9]])),
        EOD: Band(*np.array([[0.1, 0.2], [0.0, 0.1], [0.3, 0.4]])),
    }
    table = band_table(runs_of(MADE_UP), found)
    assert table.csv() == (
        "attribute,metric,temperature,mean,lower,upper\n"
        ",accuracy,1,0.900000,0.850000,0.950000\n"
        ",accuracy,4,0.800000,0.700000,0.900000\n"
        "side,eod,1,0.100000,0.000000,0.300000\n"
        "side,eod,4,0.200000,0.100000,0.400000\n"
    )


def test_table_of_changes():
    table = change_table(runs_of(MADE_UP), MADE_UP)
    rows = [row for row in table.rows if row["metric"] == "accuracy"]
    found = [
        (r["against"], r["temperature"], r["seeds"], r["seeds_agreeing"]) for r in rows
    ]
    assert found == [
        ("nds", 1.0, 2, 0),  # 1 and -1: a mean of 0, whose sign none has
        ("nds", 4.0, 1, 1),
        ("teacher", 1.0, 1, 1),
        ("teacher", 4.0, 1, 1),  # A change of 0.
    ]
    values = [[r[name] for name in ("change", "lower", "upper")] for r in rows]
    # Replicates against nds: T=1 0 and 0, T=4 -4 and 0. Against the teacher: T=1 -2
    # and -4, T=4 -2 and 2; both deviate by one sd.
    expected = [[0, 0, 0], [-2, -4, 0], [-3, -4, -2], [0, -2, 2]]
    np.testing.assert_allclose(16 * np.array(values), expected, atol=1e-9)
    assert [c.name for c in table.columns] == [
        *("attribute", "metric", "against", "model", "temperature"),
        *("change", "lower", "upper", "seeds", "seeds_agreeing"),
    ]
    assert {(r["attribute"], r["metric"]) for r in table.rows} == {
        *(("", "accuracy"), ("side", "dpd"), ("side", "eod"))
    }


def test_changes_end_at_minus_1_and_1_and_seeds_are_counted_by_sign():
    values = made_up(
        {
            NDS_MODEL: {seed: [0, 0, 0] for seed in range(4)},
            T1: {0: [5, -99, 99], 1: [4, -99, 99], 2: [-1, -99, 99], 3: [0, -99, 99]},
        }
    )
    row = change_table(runs_of(values), values).rows[0]
    assert (row["lower"], row["upper"]) == (-1, 1)
    assert (row["seeds"], row["seeds_agreeing"]) == (4, 2)
    assert row["change"] == pytest.approx(0.125)


def test_models_without_a_common_seed_have_no_change():
    found = change_table(runs_of(MADE_UP, without=[NDS_MODEL]), MADE_UP)
    assert {row["against"] for row in found.rows} == {"teacher"}
    values = {**MADE_UP, T1: {9: MADE_UP[T1][0]}, T4: {8: MADE_UP[T4][5]}}
    assert change_table(runs_of(values), values).rows == []
