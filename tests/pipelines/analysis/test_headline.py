"""The sentences that head a report, from made-up intervals."""

import numpy as np
import pytest
from memory_study import PEOPLE, people, study, truth

from pipelines.analysis.bands import Band
from pipelines.analysis.chance import ByChance
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.headline import Headline, headlines
from pipelines.analysis.measures import Measure
from pipelines.studies.layout import DS, Run

ACCURACY, EOD = Measure("accuracy", ""), Measure("eod", "side")
DPD = Measure("dpd", "side")
ABOVE, BELOW = np.array([0.9, 0.9, 0.9]), np.array([0.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def several():
    """With T = 1, 4 and 10."""
    return people(seeds=(0,), examples=30)


def row(measure, against, temperature, lower, upper, change=None, agreeing=(2, 3)):
    """Points; the change is in the middle of its interval, if none is given."""
    change = (lower + upper) / 2 if change is None else change
    return {
        "attribute": measure.attribute,
        "metric": measure.metric,
        "against": against,
        "model": "ds",
        "temperature": temperature,
        "change": change / 100,
        "lower": lower / 100,
        "upper": upper / 100,
        "seeds_agreeing": agreeing[0],
        "seeds": agreeing[1],
    }


def headlines_of(several, rows, means, highest=0.5, chosen=None):
    chance = {
        model: {m: ByChance(0.0, highest) for m in means} for model in several.distilled
    }
    bands = {measure: Band(mean, mean, mean) for measure, mean in means.items()}
    table = DataTable("changes", "", (), rows)
    return headlines(several, table, bands, chance, chosen)


@pytest.mark.parametrize(
    ("lower", "upper", "headline", "expected"),
    [
        (-4, -1, "lower EOD than nds at every T",
                 "lower than nds at every T (T=4: -2.00 points, joint 95 % "
                 "interval -4.00 to -1.00, 2 of 2 seeds)"),
        (-4, 1, "no clear difference from nds in EOD",
                "no clear difference from nds at any T"),
        (-4, 0, "no clear difference from nds in EOD",
                "no clear difference from nds at any T"),
        (0, 4, "no clear difference from nds in EOD",
               "no clear difference from nds at any T"),
    ],
    ids=["clear", "unclear", "up to zero", "from zero"],
)  # fmt: skip
def test_verdict_says_what_intervals_show(several, lower, upper, headline, expected):
    rows = [row(EOD, "nds", 4.0, lower, upper, -2, (2, 2))]
    means = {EOD: np.array([0.03, 0.01, 0.04])}
    (found,) = headlines_of(several, rows, means, highest=0.02)
    assert found.subject == "side"
    assert found.sentence == f"The distilled student shows {headline}."
    assert found.details == [
        f"EOD by side of the distilled student: {expected}. It exceeds that of 20 "
        "random groupings of the same sizes at T=1, 10."
    ]


def test_both_bases_and_signs_are_told(several):
    rows = [
        row(EOD, "nds", 1.0, -3, -1),
        row(EOD, "nds", 4.0, -9, -5),
        row(EOD, "nds", 10.0, 2, 6),
        row(EOD, "teacher", 1.0, 1, 3),
        row(EOD, "teacher", 4.0, -1, 1),
        row(EOD, "teacher", 10.0, 5, 7),
    ]
    (found,) = headlines_of(several, rows, {EOD: ABOVE})
    assert found.sentence == (
        "The distilled student shows lower EOD than nds at T=1, 4 and higher EOD than "
        "nds at T=10; higher EOD than the teacher at T=1, 10."
    )
    assert found.details == [
        "EOD by side of the distilled student: lower than nds at T=1, 4 (T=4: -7.00 "
        "points, joint 95 % interval -9.00 to -5.00, 2 of 3 seeds) and higher than "
        "nds at T=10 (T=10: +4.00 points, joint 95 % interval +2.00 to +6.00, 2 of 3 "
        "seeds); higher than the teacher at T=1, 10 (T=10: +6.00 points, joint 95 % "
        "interval +5.00 to +7.00, 2 of 3 seeds). It exceeds that of 20 random "
        "groupings of the same sizes at every T."
    ]


def test_measures_that_change_alike_are_told_together(several):
    rows = [row(DPD, "nds", 4.0, 1, 2), row(EOD, "nds", 4.0, 1, 2)]
    (found,) = headlines_of(several, rows, {DPD: ABOVE, EOD: BELOW})
    assert found.sentence == (
        "The distilled student shows higher DPD and EOD than nds at every T."
    )
    rows = [row(DPD, "nds", 4.0, -1, 2), row(EOD, "nds", 4.0, -1, 2)]
    (found,) = headlines_of(several, rows, {DPD: ABOVE, EOD: BELOW})
    assert found.sentence == (
        "The distilled student shows no clear difference from nds in DPD or EOD."
    )
    assert found.details[1].endswith(
        " At no T does it exceed that of 20 random groupings of the same sizes: it may "
        "be noise."
    )


def test_all_gaps_may_be_noise(several):
    rows = [row(DPD, "nds", 4.0, 1, 2), row(EOD, "nds", 4.0, 1, 2)]
    (found,) = headlines_of(several, rows, {DPD: BELOW, EOD: BELOW})
    assert found.sentence.endswith(" than nds at every T. All gaps may be noise.")
    # As high as by chance is not above it.
    level = {DPD: np.full(3, 0.5), EOD: np.full(3, 0.5)}
    (found,) = headlines_of(several, rows, level)
    assert found.sentence.endswith(" All gaps may be noise.")


def test_the_accuracy_stands_first_and_has_no_chance(several):
    rows = [row(ACCURACY, "teacher", 4.0, -3, -1), row(EOD, "teacher", 4.0, -3, 1)]
    found = headlines_of(several, rows, {ACCURACY: BELOW, EOD: BELOW})
    assert found[0] == Headline(
        "Accuracy",
        "The distilled student shows lower accuracy than the teacher at every T.",
        [
            "Accuracy of the distilled student: lower than the teacher at every T "
            "(T=4: -2.00 points, joint 95 % interval -3.00 to -1.00, 2 of 3 seeds)."
        ],
    )
    assert [headline.subject for headline in found] == ["Accuracy", "side"]


def test_the_chosen_temperature_stands_last(several):
    rows = [row(EOD, "nds", 4.0, -3, 1)]
    chosen = several.distilled[1]
    found = headlines_of(several, rows, {EOD: ABOVE, DPD: ABOVE}, chosen=chosen)
    assert found[-1] == Headline("Temperature", "The validation data suggest T=4.", ())
    assert len(found) == 2


def test_what_was_not_compared_is_not_told(several):
    assert headlines_of(several, [], {EOD: ABOVE}) == []


def of_ages(t4_wrong, config=None, methods=("plain",)):
    """Six young, four adult, two old, of one side; T=1 has no error."""
    labels = np.array([1, 0] * 6)
    flipped = np.isin(np.arange(12), t4_wrong)
    answers = {
        Run(DS, seed, t, method): {"test": labels ^ (flipped if t == 4 else 0)}
        for seed in (0, 1)
        for t in (1.0, 4.0)
        for method in methods
    }
    groups = {"age": np.repeat([0, 1, 2], [6, 4, 2]), "side": np.zeros(12, int)}
    return study(PEOPLE, {"test": truth(labels, groups)}, answers, config=config)


BY_AGE, BY_SIDE = Measure("dpd", "age"), Measure("dpd", "side")


def test_who_decides_a_gap_is_named_for_one_temperature():
    # At T=4 four of six young are selected, none of the adult, one of two old.
    found = of_ages([1, 6, 8])
    rows = [row(BY_AGE, "nds", 4.0, -1, 1), row(BY_SIDE, "nds", 4.0, -1, 1)]
    means = {BY_AGE: np.zeros(2), BY_SIDE: np.zeros(2)}
    for chosen in (None, found.distilled[1]):
        age, side, *_ = headlines_of(found, rows, means, chosen=chosen)
        assert age.people == [
            "DPD by age at T=4 is between adult (4 examples) and young (6 examples), "
            "in 2 of 2 seeds."
        ]
        (line,) = side.people
        assert line.startswith("DPD by side is undefined: needs at least two groups")
    # At T=1 all have half selected, and nobody decides.
    age, *_ = headlines_of(found, rows, means, chosen=found.distilled[0])
    assert age.people == []


def test_who_is_left_out_of_a_gap_is_named_once():
    least = {"evaluation": {"split": "test", "min_examples": 4}}
    eod = Measure("eod", "age")
    rows = [row(BY_AGE, "nds", 4.0, -1, 1), row(eod, "nds", 4.0, -1, 1)]
    means = {BY_AGE: np.zeros(2), eod: np.zeros(2)}
    (age,) = headlines_of(of_ages([1, 6, 8], least), rows, means)
    between, undefined, *notes = age.people
    assert between.startswith("DPD by age at T=4 is between adult (4 examples) and y")
    assert undefined.startswith("EOD by age is undefined: ")
    assert len(notes) == len({note.partition(":")[0] for note in notes}) == 3
    assert "old: 2 examples" in " ".join(notes)


def test_a_crossing_stands_beside_its_parts():
    config = {"attributes": ("side", ["side", "age"])}
    crossed = people(seeds=(0,), examples=30, config=config)
    measure = Measure("dpd", ("side", "age"))
    rows = [{**row(measure, "nds", 4.0, -1, 1), "attribute": "side x age"}]
    means = {
        measure: np.array([0.1, 0.123, 0.3]),
        DPD: np.array([0.4, 0.05, 0.6]),
    }
    t4 = crossed.distilled[1]
    found = headlines_of(crossed, rows, means, chosen=t4)[0]
    assert found.subject == "side x age"
    assert found.people[-1] == "DPD at T=4: 12.30 % by side x age, 5.00 % by side."
    # Without a choice it is said of the hottest one.
    (found,) = headlines_of(crossed, rows, means)
    assert found.people[-1] == "DPD at T=10: 30.00 % by side x age, 60.00 % by side."


def test_changes_of_other_methods_and_measures_are_not_told():
    both = of_ages([1, 6, 8], methods=("plain", "balanced"))
    other = row(BY_AGE, "nds", 4.0, 1, 2) | {"method": "balanced"}
    unknown = row(BY_SIDE, "nds", 4.0, 1, 2)
    means = {BY_AGE: np.zeros(4)}
    assert headlines_of(both, [other, unknown], means) == []
    clear = row(BY_AGE, "nds", 4.0, -2, -1)
    (found,) = headlines_of(both, [other, clear], means)
    assert found.sentence.startswith("The distilled student shows lower DPD than nds")
    assert "higher" not in found.sentence
