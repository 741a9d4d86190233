"""Tables and words about damage, of values that are made up seed by seed."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, study, truth

from pipelines.analysis import robustness_tables as tables
from pipelines.analysis.results import Model
from pipelines.analysis.robustness import CLEAN, Quantity, Robustness
from pipelines.studies.layout import DS, NDS, Run

METRICS = {
    "worst": "worst_group_accuracy",
    "dpd": "demographic_parity_difference",
    "eod": "equalized_odds_difference",
}
NDS_MODEL = Model.named(NDS)
T1, T10, T20 = (Model.named(DS, t) for t in (1.0, 10.0, 20.0))
# Model -> seed -> accuracy and that of the worst group, on damaged data.
DAMAGED = {
    NDS_MODEL: {0: (0.5, 0.4), 1: (1 - 0.278 / 0.602, 0.4)},
    T1: {0: (0.6, 0.5), 1: (0.62, 0.5)},
    # Errors are .6 and .602 of those of nds.
    T10: {0: (0.7, 0.4), 1: (0.722, 0.398)},
    # And 1.6 and 1.602 of them.
    T20: {0: (0.2, 0.1), 1: (1 - 1.602 * 0.278 / 0.602, 0.1)},
}


def quantities(accuracy, worst, ece, gaps):
    found = {Quantity("accuracy"): accuracy, Quantity("ece"): ece}
    for attribute, more in (("side", 0.0), ("age", 0.1)):
        found[Quantity(METRICS["worst"], attribute)] = worst + more
        found[Quantity(METRICS["dpd"], attribute)] = gaps + more
        found[Quantity(METRICS["eod"], attribute)] = 2 * gaps + more
    return found


def made(damaged):
    answers = {
        Run(model.name, seed, model.temperature): {"test": [0, 1]}
        for model, seeds in damaged.items()
        for seed in seeds
    }
    of_test = truth([0, 1], {"side": [0, 1], "age": [0, 1]})
    clean = {
        model: {seed: quantities(0.9, 0.8, 0.01, 0.1) for seed in seeds}
        for model, seeds in damaged.items()
    }
    severities = {
        model: {
            seed: {
                "noise": [
                    quantities(accuracy + d, worst + d, 0.05 + seed / 50, 0.2)
                    for d in (-0.03, 0.03)
                ]
            }
            for seed, (accuracy, worst) in seeds.items()
        }
        for model, seeds in damaged.items()
    }
    names = list(quantities(0, 0, 0, 0))
    found = Robustness(["noise"], clean, severities, names)
    return study(PEOPLE, {"test": of_test}, answers), found


def rows_of(table):
    return {row["temperature"] or row["model"]: row for row in table.rows}


def names_of(table):
    return [column.name for column in table.columns]


def ends(name):
    return [name, f"{name}_lower", f"{name}_upper"]


def test_the_table_of_models():
    table = tables.robustness_table(*made(DAMAGED))
    assert names_of(table) == [
        *("model", "temperature", "seeds", "accuracy"),
        *(*ends("damaged"), "lost", *ends("mce"), "ece", *ends("ece_damaged")),
    ]
    row = next(row for row in table.rows if row["temperature"] == 1.0)
    assert (row["seeds"], row["accuracy"], row["ece"]) == (2, 0.9, 0.01)
    assert row["lost"] == pytest.approx(0.61 - 0.9)
    # Student's t of one degree of freedom, 12.706, times .01.
    found = [row[name] for name in ends("damaged")]
    assert found == pytest.approx([0.61, 0.61 - 0.12706, 0.61 + 0.12706], abs=1e-5)
    # .05 and .07; below 0 there is no ECE.
    found = [row[name] for name in ends("ece_damaged")]
    assert found == pytest.approx([0.06, 0, 0.06 + 0.12706], abs=1e-5)
    hot = next(row for row in table.rows if row["temperature"] == 20.0)
    # A ratio of errors may be above 1.
    mce = [1.601, 1.601 - 0.012706, 1.601 + 0.012706]
    assert [hot[name] for name in ends("mce")] == pytest.approx(mce, abs=1e-6)


def test_the_tables_of_groups_and_of_corruptions():
    made_up = made(DAMAGED)
    table = tables.group_table(*made_up)
    assert names_of(table) == [
        *("attribute", "model", "temperature", "worst", *ends("worst_damaged")),
        *("dpd", *ends("dpd_damaged"), "eod", *ends("eod_damaged")),
    ]
    assert [row["attribute"] for row in table.rows] == ["side"] * 4 + ["age"] * 4
    # Age has .1 more of everything; row 6 is T=10.
    row = table.rows[6]
    clean = (row["worst"], row["dpd"], row["eod"])
    assert clean == pytest.approx((0.9, 0.2, 0.3))
    damaged = (row["worst_damaged"], row["dpd_damaged"], row["eod_damaged"])
    assert damaged == pytest.approx((0.499, 0.3, 0.5))

    table = tables.corruption_table(*made_up)
    assert names_of(table) == [
        *("corruption", "attribute", "model", "temperature"),
        *("accuracy", "ce", "ece", "worst", "dpd", "eod"),
    ]
    assert len(table.rows) == 16
    clean, noise = table.rows[2], table.rows[10]
    assert (clean["corruption"], noise["corruption"]) == (CLEAN, "noise")
    assert "ce" not in clean
    assert clean["accuracy"] == pytest.approx(0.9)
    assert noise["attribute"] == "side"
    names = ("accuracy", "ce", "ece", "worst", "dpd", "eod")
    assert [noise[name] for name in names] == pytest.approx(
        [0.711, 0.601, 0.06, 0.399, 0.2, 0.4]
    )


def test_words_tell_what_is_sure():
    lost, against, accuracy, worst = tables.words(*made(DAMAGED))
    # Of 90 points nds keeps 50 and 53.8.
    assert lost == (
        "Damage costs accuracy, in points: nds 38.1, the students 18.9 (T=10) to 67.0 "
        "(T=20)."
    )
    assert against == (
        "Surely, T=10 (mCE 60.1 %) makes fewer errors on damaged data than nds; T=20 "
        "(mCE 160.1 %) makes more errors on damaged data than nds. Of 1 other students "
        "the seeds cannot tell."
    )
    # T=1 to T=10: 10 and 10.2 points, 10.1 and .1 times 12.706; T=20 is too hot.
    change = "With ten times the temperature, "
    assert accuracy == (
        f"{change}accuracy on damaged data changes by +10.1 points (95 % interval +8.8 "
        "to +11.4), so it surely rises."
    )
    assert worst == (
        f"{change}the accuracy of the worst group on damaged data changes by -10.1 "
        "points (95 % interval -11.4 to -8.8), so it surely falls."
    )


def test_words_tell_what_may_be_chance():
    # 10 and 12 points: 11 and 1 times 12.706.
    unsure = DAMAGED | {T10: {0: (0.7, 0.5), 1: (0.74, 0.5)}}
    _, _, accuracy, worst = tables.words(*made(unsure))
    assert accuracy.endswith(
        "by +11.0 points (95 % interval -1.7 to +23.7), which may be chance."
    )
    # Equal seeds show no spread, and so nothing.
    assert worst.endswith(
        "by +0.0 points; 2 seeds that are all equal cannot say how sure that is."
    )
    one = {m: {0: seeds[0]} for m, seeds in DAMAGED.items() if m != T20}
    lost, against, accuracy, _ = tables.words(*made(one))
    assert lost.endswith("nds 40.0, the students 20.0 (T=10) to 30.0 (T=1).")
    assert against.startswith("Of no temperature are the seeds enough")
    assert accuracy.endswith(
        "changes by +10.0 points; one seed cannot say how sure that is."
    )


def test_without_a_common_seed_or_a_second_temperature_there_is_no_trend():
    apart = {T1: {0: (0.6, 0.5)}, T10: {1: (0.7, 0.4)}}
    assert tables.words(*made(apart))[1:] == [
        "No seed has every temperature, so accuracy has no trend.",
        "No seed has every temperature, so the accuracy of the worst group has no "
        "trend.",
    ]
    assert tables.words(*made({T10: {0: (0.7, 0.4)}, T20: {0: (0.2, 0.1)}})) == [
        "Damage costs accuracy, in points: the students 20.0 (T=10) to 70.0 (T=20)."
    ]


def test_the_slope_is_over_temperatures_up_to_ten():
    t11 = Model.named(DS, 11.0)
    hot = {T1: DAMAGED[T1], t11: DAMAGED[T10]}
    assert len(tables.words(*made(hot))) == 1
    assert len(tables.words(*made({T1: DAMAGED[T1], T10: DAMAGED[T10]}))) == 3


def test_several_students_make_fewer_errors_together():
    nds = {0: (0.5, 0.4), 1: (0.4, 0.4)}
    # .6, .8 and 1 of the errors of nds, in one seed .001 less and in one more.
    of = {
        model: {
            s: (1 - (share + (s - 0.5) / 500) * (1 - a), w) for s, (a, w) in nds.items()
        }
        for model, share in ((T1, 0.6), (T10, 0.8), (T20, 1.0))
    }
    (_, against, *_) = tables.words(*made({NDS_MODEL: nds, **of}))
    assert against == (
        "Surely, T=1 (mCE 60.0 %) and T=10 (mCE 80.0 %) make fewer errors on damaged "
        "data than nds. Of 1 other students the seeds cannot tell."
    )
    alone = {NDS_MODEL: nds, T1: of[T1]}
    (_, against, *_) = tables.words(*made(alone))
    assert against == (
        "Surely, T=1 (mCE 60.0 %) makes fewer errors on damaged data than nds."
    )
    half = {s: (1 - 0.5 * (1 - a), w) for s, (a, w) in nds.items()}
    for unsure in (of[T20], half):  # Half of the errors in each seed shows no spread.
        (_, against, *_) = tables.words(*made({NDS_MODEL: nds, T20: unsure}))
        assert against.startswith("Of no temperature are the seeds enough")


def test_the_intervals_against_nds_hold_together():
    # Two students: 97.5 % each. Of two values the standard error is half of what they
    # are apart, so that .6 has an end at .996 or at 1.004.
    nds = {0: (0.5, 0.4), 1: (0.5, 0.4)}
    t = scipy.stats.t.isf(0.0125, 1)
    for width, sure in ((0.99 / t, True), (1.01 / t, False)):
        ends = (0.6 - 0.4 * width, 0.6 + 0.4 * width)
        of = {s: (1 - ratio * 0.5, 0.4) for s, ratio in enumerate(ends)}
        apart = {T10: {7: (0.5, 0.4)}}
        (_, against, *_) = tables.words(*made({NDS_MODEL: nds, T1: of, **apart}))
        assert against.startswith("Surely, T=1 (mCE 60.0 %) makes") == sure


def test_names_in_a_sentence():
    assert tables._listed(["a"]) == "a"
    assert tables._listed(["a", "b"]) == "a and b"
    assert tables._listed(["a", "b", "c"]) == "a, b and c"


def test_without_nds_there_is_no_corruption_error():
    made_up = made({T1: DAMAGED[T1]})
    (row,) = tables.robustness_table(*made_up).rows
    assert "mce" not in row
    rows = tables.corruption_table(*made_up).rows
    assert not [row["ce"] for row in rows if row.get("ce", 0) > 0]
    assert tables.words(*made_up) == [
        "Damage costs accuracy, in points: the students 29.0 (T=1)."
    ]


def test_without_attributes_the_columns_of_groups_are_left_out():
    found, measured = made({T1: DAMAGED[T1]})
    spec = dataclasses.replace(PEOPLE, groups={})
    table = tables.corruption_table(dataclasses.replace(found, spec=spec), measured)
    assert names_of(table) == [
        *("corruption", "attribute", "model", "temperature", "accuracy", "ce", "ece")
    ]
    assert len(table.rows) == 2


def test_an_interval_of_a_share_ends_at_0_and_1():
    # .5 and 12.706 times .2 to either side.
    cells = tables._interval("x", {0: 0.3, 1: 0.7})
    assert cells == {"x": 0.5, "x_lower": 0.0, "x_upper": 1.0}
    assert tables._interval("x", {0: 0.3, 1: 0.7}, 9.0)["x_upper"] == pytest.approx(
        0.5 + 12.706 * 0.2, rel=1e-4
    )
    assert tables._interval("x", {}) == {}
    one = tables._interval("x", {4: 0.3})
    assert one["x"] == 0.3
    assert np.isnan([one["x_lower"], one["x_upper"]]).all()
