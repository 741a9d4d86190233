"""The sentences that head a report, from made-up intervals."""

import numpy as np
import pytest
from memory_study import people

from pipelines.analysis.bands import Band
from pipelines.analysis.chance import ByChance
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.headline import Headline, headlines
from pipelines.analysis.measures import Measure

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
