"""Joint bands: by hand, against Newcombe and against redrawn examples."""

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
    for model, seeds in several.models.items():
        for seed, result in seeds.items():
            right = np.mean(result.predicted("test") == of_test.labels)
            assert replicates[model][seed][0] == pytest.approx(right, abs=1e-12)


def test_there_are_1000_replicates_that_spread_as_redrawn_examples_do(
    several, replicates
):
    of_test = several.truth["test"]
    right = several.models[several.distilled[1]][1].predicted("test") == of_test.labels
    found = replicates[several.distilled[1]][1]
    assert found.shape == (1001,)
    rng = np.random.default_rng(1)
    redrawn = rng.choice(right, (1000, len(right))).mean(axis=1)
    assert scipy.stats.ks_2samp(found[1:], redrawn).pvalue > 0.01


def test_equal_runs_do_not_differ_in_any_replicate(several):
    again = study(
        PEOPLE,
        several.truth,
        {
            Run(model, 0, temperature): several.models[several.nds][0].logits
            for model, temperature in ((NDS, None), (DS, 4.0))
        },
    )
    change = seed_changes(replicate(again), T4, NDS_MODEL)
    assert change.shape == (1, 1001)
    np.testing.assert_array_equal(change, 0)


def made_up(values):
    """Of 16ths: model -> seed -> accuracy, its replicates included."""
    return {
        model: {seed: np.array(row) / 16 for seed, row in seeds.items()}
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
    np.testing.assert_array_equal(16 * seed_mean(MADE_UP, T1), [3, 3, 3])


def test_changes_are_of_the_seeds_that_both_models_have():
    found = seed_changes(MADE_UP, T1, NDS_MODEL)
    # Seeds 1 and 0, in the order of T=1.
    np.testing.assert_array_equal(16 * found, [[1, 0, 2], [-1, 0, -2]])
    found = seed_changes(MADE_UP, T4, TEACHER_MODEL)
    np.testing.assert_array_equal(16 * found, [[0, -2, 2]])


def test_bands_of_accuracy_hold_for_all_temperatures_together():
    found = bands(runs_of(MADE_UP), MADE_UP)
    assert list(found) == [ACCURACY, DPD, EOD]
    # T=1 does not vary; T=4 by one sixteenth around four.
    np.testing.assert_allclose(16 * np.array(found[ACCURACY]), [[3, 4], [3, 3], [3, 5]])


def test_the_part_of_a_band_that_is_of_the_curve():
    answers = {"test": [0, 1]}
    runs = [Run(DS, 0, t, m) for m in ("plain", "balanced") for t in (1.0, 4.0)]
    truths = {"test": truth([0, 1], {"side": [0, 1]})}
    both = study(SIDES, truths, dict.fromkeys(runs, answers))
    band = Band(*np.arange(12.0).reshape(3, 4))
    parts = np.array(band.of_curve(both))
    np.testing.assert_array_equal(parts, [[0, 1], [4, 5], [8, 9]])
    alone = study(SIDES, truths, dict.fromkeys(runs[:2], answers))
    np.testing.assert_array_equal(Band(*parts).of_curve(alone), parts)


# Positives of b and of a, of 40 each: the same in every seed of a model.
SELECTED = {
    TEACHER_MODEL: (20, 20),
    NDS_MODEL: (20, 10),
    T1: (30, 10),
    T4: (22, 20),
}


def of_forty(selected, seeds=(0, 1)):
    """A study of two groups of 40, of which so many are selected."""
    answers = {
        Run(model.name, seed, model.temperature): {
            "test": np.concatenate([np.arange(40) < k for k in of_model]).astype(int)
        }
        for model, of_model in selected.items()
        for seed in seeds
    }
    labels, sides = np.tile([1, 0], 40), np.repeat([0, 1], 40)
    return study(SIDES, {"test": truth(labels, {"side": sides})}, answers)


def test_bands_of_gaps_are_newcombes_at_the_level_of_all_temperatures():
    found = of_forty(SELECTED)
    band = bands(found, replicate(found))[DPD]
    np.testing.assert_allclose(band.mean, [20 / 40, 2 / 40])
    # At 1 - .05 / 2; limits of a rate that are not Wilson's differ by little.
    low, high = newcombe(30, 10, level=0.975)
    assert (band.lower[0], band.upper[0]) == pytest.approx((low, high), abs=0.02)
    # A difference of 2 of 40 is not sure.
    assert band.lower[1] == 0
    narrow = bands(of_forty({T1: (30, 10)}), replicate(of_forty({T1: (30, 10)})))[DPD]
    low, high = newcombe(30, 10, level=0.95)
    assert (narrow.lower[0], narrow.upper[0]) == pytest.approx((low, high), abs=0.02)


def newcombe(first, second, level, size=40):
    """Newcombe 1998, method 10, of first / size minus second / size."""
    (low_1, high_1), (low_2, high_2) = (
        scipy.stats.binomtest(k, size).proportion_ci(level, method="wilson")
        for k in (first, second)
    )
    p, q = first / size, second / size
    return (
        p - q - np.hypot(p - low_1, high_2 - q),
        p - q + np.hypot(high_1 - p, q - low_2),
    )


def test_a_band_of_equal_seeds_is_that_of_one_seed():
    one, five = of_forty(SELECTED, seeds=(3,)), of_forty(SELECTED, seeds=range(5))
    for measure in (DPD, EOD):
        np.testing.assert_allclose(
            bands(one, replicate(one))[measure], bands(five, replicate(five))[measure]
        )


def test_small_groups_are_in_no_band():
    found = of_forty(SELECTED)
    found.config["evaluation"]["min_examples"] = 41
    assert np.isnan(bands(found, replicate(found))[DPD]).all()
    assert not np.isnan(bands(found, replicate(found))[ACCURACY]).any()


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


def test_changes_of_gaps_by_hand():
    found = of_forty(SELECTED)
    table = change_table(found, replicate(found))
    rows = {
        (r["against"], r["temperature"]): r for r in table.rows if r["metric"] == "dpd"
    }
    values = {key: row["change"] for key, row in rows.items()}
    assert values == pytest.approx(
        {
            ("nds", 1.0): 20 / 40 - 10 / 40,
            ("nds", 4.0): 2 / 40 - 10 / 40,
            ("teacher", 1.0): 20 / 40,
            ("teacher", 4.0): 2 / 40,
        }
    )
    for row in rows.values():
        assert row["lower"] <= row["change"] <= row["upper"]
        assert (row["seeds"], row["seeds_agreeing"]) == (2, 2)
    # From no gap to one of 20 of 40, and from none to one of 2.
    assert rows["teacher", 1.0]["lower"] > 0
    assert rows["teacher", 4.0]["lower"] <= 0
    assert len({row["upper"] - row["lower"] for row in rows.values()}) > 1


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
