"""The published findings are confirmed and refuted where they were built to be."""

import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import IndividualFairness
from pipelines.analysis.findings import findings_tables, judge
from pipelines.analysis.findings_claims import CIRCULAR, Claim
from pipelines.analysis.findings_published import Effect, Effects
from pipelines.analysis.findings_quantities import GapName, two_way_interval
from pipelines.analysis.findings_tests import power
from pipelines.analysis.findings_words import sentence
from pipelines.analysis.measures import DPD, Measure
from pipelines.analysis.published import NOTHING, Number, Published
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

CELL = 2000  # Examples of each label and side.
SIDE = DatasetSpec("sides", PEOPLE.features, "y", ("no", "yes"), {"side": ("b", "a")})
T = {t: Model.named(DS, t) for t in (1.0, 4.0, 10.0, 11.0, 40.0)}
TEACHER_MODEL, NDS_MODEL = Model.named(TEACHER), Model.named(NDS)
COLD = np.array([20, 24, 28, 22, 26])
CHANGE = np.array([-10, -12, -11, -10, -12])
WARM = COLD + CHANGE
# In hundredths: model -> DPD of the seeds; the EOD is the double.
GAPS = {
    TEACHER_MODEL: WARM - np.array([4, 5, 4, 5, 4]),
    NDS_MODEL: COLD + np.array([1, 2, 1, 2, 1]),
    T[1.0]: COLD,
    T[10.0]: WARM,
    T[40.0]: WARM + np.array([5, 6, 5, 6, 4]),
}


def made_up(gaps, extractor="seen.keras"):
    """A study of these models and seeds; a loses positives, and b has no error."""
    label = np.repeat([0, 0, 1, 1], CELL)
    side = np.tile(np.repeat([0, 1], CELL), 2)

    def answers(gap):
        right = np.concatenate([np.zeros(2 * CELL), np.ones(CELL)])
        return [*right, *(np.arange(CELL) >= 2 * gap / 100 * CELL)]

    runs = {
        Run(m.name, seed, m.temperature): {"test": np.array(answers(gap), int)}
        for m, seeds in gaps.items()
        for seed, gap in enumerate(seeds)
        if not np.isnan(gap)
    }
    evaluation = {
        "split": "test",
        "min_examples": 1,
        "individual_fairness": {"extractor": extractor},
    }
    truths = {"test": truth(label, {"side": side})}
    return study(SIDE, truths, runs, config={"evaluation": evaluation})


def rows_of(gaps, individual=None, published=NOTHING, **options):
    table, _, _ = findings_tables(made_up(gaps, **options), individual, published)
    return {row["claim"]: row for row in table.rows}


def test_claims_are_means_over_differences_within_seeds():
    rows = rows_of(GAPS)
    found = {
        claim: (row["finding"], row["value"], row["verdict"])
        for claim, row in rows.items()
        if row["finding"] > 1
    }
    for gap, times in (("DPD", 1), ("EOD", 2)):
        expected = {
            # -10, -12, -11, -10, -12 from T=1 to T=10, a tenfold temperature.
            "falls with T": (2, -11, "confirmed"),
            "rises again from T=10 to T=40": (2, 5.2, "confirmed"),
            "of T=10 is below nds's": (2, -12.4, "confirmed"),
            "of T=10 is below the teacher's": (3, 4.4, "refuted"),
        }
        for claim, (finding, value, verdict) in expected.items():
            about = (finding, pytest.approx(times * value), verdict)
            assert found.pop(f"{gap} by side {claim}") == about
    assert not found


def test_the_way_to_the_teacher_is_in_percent():
    # From nds's 25 to the teacher's 5, T=1 has gone 5 of 20 and T=10 has gone 15.
    found = {TEACHER_MODEL: 5, NDS_MODEL: 25, T[1.0]: 20, T[10.0]: 10}
    rows = rows_of({model: [gap] * 3 for model, gap in found.items()})
    row = rows["class accuracies go towards the teacher's with T"]
    assert (row["finding"], row["value"]) == (1, pytest.approx(50))


def test_intervals_and_p_values_are_students():
    rows = rows_of(GAPS)
    row = rows["DPD by side falls with T"]
    expected = scipy.stats.ttest_1samp(CHANGE, 0)
    assert [row["lower"], row["upper"]] == pytest.approx(
        [*expected.confidence_interval(0.95)]
    )
    assert row["seeds"] == 5
    # Eleven claims: three of finding 1 and eight of gaps. The EOD's p-values are the
    # DPD's; only that of the way to the teacher is smaller, so the gaps begin with ten.
    below_nds = scipy.stats.ttest_1samp(CHANGE - [1, 2, 1, 2, 1], 0).pvalue
    smallest = min(expected.pvalue, below_nds)
    assert len(rows) == 11
    of_gaps = [row["p"] for row in rows.values() if row["finding"] > 1]
    assert min(of_gaps) == pytest.approx(10 * smallest)


def test_a_fall_over_three_temperatures_is_a_slope_on_log_t():
    middle = COLD - 3
    rows = rows_of(GAPS | {T[4.0]: middle})
    changes = [
        np.polyfit(np.log10([1, 4, 10]), values, 1)[0]
        for values in zip(COLD, middle, WARM, strict=True)
    ]
    row = rows["DPD by side falls with T"]
    assert row["value"] == pytest.approx(np.mean(changes))


def test_seeds_that_not_all_models_have_are_left_out():
    hot = np.array([np.nan, 6, np.nan, 6, np.nan])
    row = rows_of(GAPS | {T[40.0]: WARM + hot})
    row = row["DPD by side rises again from T=10 to T=40"]
    assert (row["seeds"], row["value"]) == (2, pytest.approx(6))
    # Both by six: two equal counts are no proof.
    assert row["verdict"] == "not decided"
    assert row["meaning"].startswith("two seeds with equal values show no spread")


def test_small_studies_say_what_they_could_have_seen():
    two = {model: np.asarray(values[:2]) for model, values in GAPS.items()}
    row = rows_of(two)["DPD by side falls with T"]
    assert row["verdict"] == "not decided"
    assert row["meaning"].startswith("two seeds could not have seen any change; here ")
    assert row["detectable"] > 100
    one = {model: values[:1] for model, values in two.items()}
    rows = rows_of(one)
    assert rows["DPD by side falls with T"]["meaning"].startswith("one seed shows no")
    assert not [claim for claim in rows if claim.startswith("#")]


@pytest.mark.parametrize(
    ("temperatures", "falls", "rises", "below"),
    [
        ([10.0], False, False, True),
        ([40.0], False, False, False),
        ([11.0, 40.0], False, False, False),
        ([4.0, 11.0], False, True, True),
        ([4.0, 10.0], True, False, True),
    ],
)
def test_claims_need_their_temperatures(temperatures, falls, rises, below):
    gaps = {TEACHER_MODEL: COLD} | {T[t]: COLD for t in temperatures}
    text = " ".join(rows_of(gaps))
    assert ("DPD by side falls" in text) == falls
    assert ("DPD by side rises" in text) == rises
    assert ("is below the teacher's" in text) == below
    assert "nds" not in text


def test_effects_below_a_quarter_of_the_published_one_are_refuted():
    wiggle = np.array([0.1, -0.1, 0.05, -0.05, 0.1])
    gaps = GAPS | {T[10.0]: COLD + wiggle, T[40.0]: COLD}
    measure = Measure("dpd", "side")
    numbers = {T[1.0]: 0.5, T[10.0]: 0.4}
    published = Published(
        {measure: {m: Number(mean, 0.0, "") for m, mean in numbers.items()}}, {}, {}
    )
    row = rows_of(gaps, published=published)["DPD by side falls with T"]
    assert row["published"] == pytest.approx(-10)
    assert row["published_of"] == "this data set"
    assert row["verdict"] == "refuted"
    assert "below a quarter of the published 10.0 points" in row["meaning"]
    assert rows_of(gaps)["DPD by side falls with T"]["verdict"] == "not decided"


def individual(values):
    return {
        model: {
            seed: IndividualFairness(mean, mean, 1, 0, 0, 0.0)
            for seed, mean in seeds.items()
        }
        for model, seeds in values.items()
    }


def test_individual_fairness_is_a_share_of_that_of_nds():
    values = {
        NDS_MODEL: {0: 0.5, 1: 0.4, 2: 1.0},
        T[1.0]: {0: 0.4, 1: 0.4, 2: 0.9, 3: 0.1},
        T[10.0]: {0: 0.3, 1: 0.26, 2: 0.6, 3: 0.1},
    }
    row = rows_of(GAPS, individual(values))["I(f) falls with T"]
    # .6 - .8, .65 - 1 and .6 - .9; the fourth seed has no nds.
    assert (row["seeds"], row["value"]) == (3, pytest.approx(100 * -0.85 / 3))
    assert row["verdict"] != "no verdict"


def test_the_studys_own_teacher_decides_nothing():
    values = {m: {0: 0.5, 1: 0.4} for m in (NDS_MODEL, T[1.0], T[10.0])}
    rows = rows_of(GAPS, individual(values), extractor="teacher")
    row = rows["I(f) falls with T"]
    assert (row["verdict"], row["meaning"]) == ("no verdict", f"no verdict: {CIRCULAR}")
    assert np.isnan(row["p"])
    # It is not one of the claims that are corrected together.
    p = [row["p"] for row in rows_of(GAPS).values()]
    assert [row["p"] for claim, row in rows.items() if claim[0] != "I"] == p


def test_the_sentence_and_the_controls():
    _, controls, total = findings_tables(made_up(GAPS), None)
    # The gaps' six and two, and the way to the teacher; two temperatures give the
    # counts no order that could decide.
    assert total == "Of 11 claims: 7 confirmed, 2 not decided, 2 refuted."
    rows = {row["claim"]: row for row in controls.rows}
    # No one has false positives; a's misses take half of the DPD off the accuracy.
    assert rows["the FPR gap by side: minus the teacher"]["value"] == 0
    change = rows["accuracy: change for a tenfold T"]
    assert change["value"] == pytest.approx(5.5)
    assert "verdict" not in change
    assert set(rows) >= {"ECE: minus nds", "mean confidence: minus nds"}


def test_without_students_up_to_ten_nothing_is_judged():
    _, _, total = findings_tables(made_up({TEACHER_MODEL: COLD, T[40.0]: COLD}), None)
    assert total == "No claim can be judged on these runs."


def claim(values, sign=-1, **options):
    values = np.array(values, float)[:, np.newaxis]
    return Claim(2, "it falls", sign, "points", values, **options)


@pytest.mark.parametrize(
    ("made", "verdict", "words"),
    [
        (claim([-1, -1.1, -0.9]), "confirmed", "yes: -1.00 points (-1.25 to -0.75)"),
        (
            claim([1, 1.1, 0.9]),
            "refuted",
            "no, it is the other way round: +1.00 points (+0.75 to +1.25)",
        ),
        (
            claim([0.1, -0.1, 0], published=Effect(-2.0, True)),
            "refuted",
            "no: surely below a quarter of the published 2.0 points: 0.00 points "
            "(-0.25 to +0.25)",
        ),
        (
            claim([0.0, np.nan]),
            "not decided",
            "undefined here: too few examples, or nothing to compare",
        ),
    ],
)
def test_words(made, verdict, words):
    (found,) = judge([made])
    assert (found.verdict, sentence(found)) == (verdict, words)


def test_words_of_what_could_have_been_seen():
    (found,) = judge([claim([1, -1, 0])])
    # One claim, three seeds, sd 1.
    assert power(found.detectable, 1.0, 3, 0.05) == pytest.approx(0.8)
    assert sentence(found).startswith(
        "three seeds could only have seen a change of 3.3"
    )
    assert sentence(found).endswith("here 0.00 points (-2.48 to +2.48)")


def means(cold, warm, nds, teacher):
    models = (T[1.0], T[10.0], NDS_MODEL, TEACHER_MODEL)
    return dict(zip(models, (cold, warm, nds, teacher), strict=True))


def test_without_a_row_of_its_own_the_smallest_published_effect_is_asked():
    elsewhere = [means(0.3, 0.2, 0.4, 0.1), means(0.3, 0.26, 0.3, 0.5)]
    found = Effects(Published({}, {}, {}, {"dpd": elsewhere}))
    name = GapName(DPD, "side")

    def effect(what, sign=-1):
        return found.gap(name, what, sign, T[10.0], T[40.0])

    assert effect("with T") == (pytest.approx(-4), False)
    assert effect("nds") == (pytest.approx(-4), False)
    # +10 and -24: only the second one is of the claimed sign.
    assert effect("teacher") == (pytest.approx(-24), False)
    assert effect("too hot", 1) is None


def test_published_individual_fairness_is_a_share_of_that_of_nds():
    own = {m: Number(v, 0.0, "") for m, v in means(0.3, 0.2, 0.4, 0.1).items()}
    assert Effects(Published({}, {}, own)).individual() == (pytest.approx(-25), True)
    assert Effects(NOTHING).individual() is None


def test_the_two_way_bootstrap_draws_seeds_and_examples():
    rng = np.random.default_rng(0)
    seeds = rng.normal(size=(40, 1))
    examples = np.append(0, rng.normal(size=4000))
    low, high = two_way_interval(seeds + examples, 0.95)
    # Variance of the mean: that of 40 drawn seeds, and that of the examples.
    sd = np.sqrt(seeds.var() / 40 + 1)
    assert [low, high] == pytest.approx(
        seeds.mean() + 1.96 * sd * np.array([-1, 1]), abs=0.1
    )
    low, high = two_way_interval(np.tile(seeds, 4001), 0.95)
    sd = np.sqrt(seeds.var() / 40)
    assert [low, high] == pytest.approx(
        seeds.mean() + 1.96 * sd * np.array([-1, 1]), abs=0.02
    )


@pytest.mark.parametrize("shape", [(1, 9), (5, 1)])
def test_without_seeds_or_replicates_there_is_no_bootstrap(shape):
    assert np.isnan(two_way_interval(np.ones(shape), 0.95)).all()


def test_the_example_draws_are_those_of_the_gaps_bootstrap():
    row = rows_of(GAPS)["DPD by side of T=10 is below the teacher's"]
    # In hundredths of group a: where T=10 errs and the teacher of the seed does not.
    place = np.arange(50)[:, np.newaxis]
    errs = (place >= GAPS[TEACHER_MODEL]) & (place < WARM)
    share = errs.mean(axis=1)
    # Of five drawn seeds: variance of the mean over the 4,000 examples of a, in points.
    square = (share**2 + share * (1 - share) / 5).sum() / 100
    of_examples = 1e4 * (square - 0.044**2) / (2 * CELL)
    of_seeds = np.var([4, 5, 4, 5, 4]) / 5
    half = (row["both_upper"] - row["both_lower"]) / 2
    assert half == pytest.approx(1.96 * np.sqrt(of_examples + of_seeds), rel=0.1)


@pytest.mark.parametrize(
    ("values", "seen"), [([-90, 90, 0], False), ([-9, 9, 0], True)]
)
def test_no_gap_changes_by_more_than_a_hundred_points(values, seen):
    (found,) = judge([claim(values)])
    text = sentence(found)
    assert text.startswith("three seeds could not have seen any change") != seen
    assert text.startswith("three seeds could only have seen a change of 29") == seen


def test_columns_of_both_tables():
    claims, controls, _ = findings_tables(made_up(GAPS), None)
    numbers = "value,lower,upper,unit,seeds,p,detectable,both_lower,both_upper"
    assert claims.csv().splitlines()[0] == f"finding,claim,verdict,meaning,{numbers}"
    assert controls.csv().splitlines()[0] == f"claim,{numbers}"


def test_columns_of_published_effects_stand_last():
    measure = Measure("dpd", "side")
    numbers = {T[1.0]: 0.5, T[10.0]: 0.4}
    published = Published(
        {measure: {m: Number(mean, 0.0, "") for m, mean in numbers.items()}},
        {},
        {},
        {"eod": [means(0.3, 0.2, 0.4, 0.1)]},
    )
    table, _, _ = findings_tables(made_up(GAPS), None, published)
    assert [c.name for c in table.columns][-2:] == ["published", "published_of"]
    rows = {row["claim"]: row for row in table.rows}
    assert rows["EOD by side falls with T"]["published"] == pytest.approx(-10)
    of = rows["EOD by side falls with T"]["published_of"]
    assert of == "smallest of the others"
    assert "published" not in rows["DPD by side of T=10 is below nds's"]


def test_a_rank_or_a_single_seed_has_no_margin():
    # Twice a published effect of 8: a margin of 2 would hold 0.1, and does not.
    (one,) = judge([claim([0.1], published=Effect(-8.0, True))])
    assert (one.verdict, np.isnan(one.detectable)) == ("not decided", True)
    two, three = judge(
        [
            claim([0.1, 0.1001], published=Effect(-8.0, True)),
            claim([0.1, 0.1001, 0.1002], published=Effect(8.0, False)),
        ]
    )
    assert (two.verdict, three.verdict) == ("refuted", "refuted")


def test_p_values_of_effects_that_are_too_small_are_corrected_too():
    # A margin of 1, and a distance of 4 standard errors of .1: p = 2 P(t2 > 4) = .057.
    values = [0.6 - 0.1 * np.sqrt(3), 0.6, 0.6 + 0.1 * np.sqrt(3)]
    near = claim([*values], published=Effect(-4.0, True))
    p = 2 * scipy.stats.t.sf(4, 2)
    assert p == pytest.approx(0.0572, abs=1e-4)
    closer = claim([v - 0.4 for v in values], published=Effect(-4.0, True))
    # A distance of 8 standard errors: .015 alone, and beside another one .03.
    p = 2 * scipy.stats.t.sf(8, 2)
    assert 2 * p < 0.05 < 4 * p
    assert [found.verdict for found in judge([near, closer])] == [
        "not decided",
        "refuted",
    ]
    four = judge([near, near, near, closer])
    assert {found.verdict for found in four} == {"not decided"}


def test_a_claim_with_an_obstacle_is_not_counted():
    values = [-1, -1.1, -0.9]
    alone, beside = (
        judge([claim(values)])[0],
        judge([claim(values), claim(values, obstacle="of its own teacher")]),
    )
    assert beside[0].p == alone.p
    assert beside[0].detectable == alone.detectable
    assert np.isnan(beside[1].p)
    both = judge([claim(values), claim(values)])
    assert both[0].p == pytest.approx(2 * alone.p)
    assert both[0].detectable > alone.detectable
