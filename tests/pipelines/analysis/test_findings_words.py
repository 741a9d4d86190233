"""The words of a verdict, of judged claims made up for each."""

import numpy as np
import pytest

from pipelines.analysis.findings_claims import Claim
from pipelines.analysis.findings_published import Effect
from pipelines.analysis.findings_trends import RankTest
from pipelines.analysis.findings_words import Judged, seeds, sentence, total

NAN = np.nan
RANK = RankTest(0.5, 0.2, np.array([0.0]))


def judged(
    verdict, value=-2.0, ends=(NAN, NAN), detectable=NAN, number=3, unit="points", **of
):
    """Of a claim that something falls."""
    claim = Claim(2, "it falls", -1, unit, np.zeros((number, 1)), **of)
    return Judged(claim, verdict, value, *ends, 0.1, detectable)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (judged("confirmed"), "yes: -2.00 points"),
        (judged("confirmed", ends=(-3, -1)), "yes: -2.00 points (-3.00 to -1.00)"),
        (judged("confirmed", -0.004), "yes: 0.00 points"),
        (judged("", obstacle="no pairs"), "no verdict: no pairs"),
        (
            judged("", NAN),
            "undefined here: too few examples, or nothing to compare",
        ),
        (
            judged("refuted", 2, (1, 3), published=Effect(-8, True)),
            "no, it is the other way round: +2.00 points (+1.00 to +3.00)",
        ),
        # Surely small, whatever its sign: an interval that reaches 0 has no way round.
        *(
            (
                judged("refuted", value, ends, published=Effect(-8.04, True)),
                f"no: surely below a quarter of the published 8.0 points: {seen}",
            )
            for value, ends, seen in (
                (0.5, (-0.5, 1.5), "+0.50 points (-0.50 to +1.50)"),
                (0.5, (0.0, 1.0), "+0.50 points (0.00 to +1.00)"),
                (-0.5, (-1.0, 0.0), "-0.50 points (-1.00 to 0.00)"),
                (-0.5, (-0.9, -0.1), "-0.50 points (-0.90 to -0.10)"),
            )
        ),
        (
            judged("not decided", number=1),
            "one seed shows no spread; here -2.00 points",
        ),
        (
            judged("not decided", number=2),
            "two seeds with equal values show no spread; here -2.00 points",
        ),
        (
            judged("not decided", detectable=100.1),
            "three seeds could not have seen any change; here -2.00 points",
        ),
        (
            judged("not decided", detectable=100.0),
            "three seeds could only have seen a change of 100.0 points; here -2.00 "
            "points",
        ),
        # A share of something else may change by more than 100 %.
        (
            judged("not decided", detectable=120.0, unit="% of nds's"),
            "three seeds could only have seen a change of 120.0 % of nds's; here -2.00 "
            "% of nds's",
        ),
        (
            judged("not decided", -0.1, (-0.3, 0.1), 0.034),
            "three seeds could only have seen a change of 0.034 points; here -0.10 "
            "points (-0.30 to +0.10)",
        ),
        (
            judged("not decided", detectable=1.0),
            "three seeds could only have seen a change of 1.0 points; here -2.00 "
            "points",
        ),
    ],
)
def test_words_of_means(found, words):
    assert sentence(found) == words


@pytest.mark.parametrize(
    ("verdict", "detectable", "words"),
    [
        ("confirmed", 0.9, "yes: a rank correlation of -0.70"),
        (
            "refuted",
            0.9,
            "no, it is the other way round: a rank correlation of -0.70",
        ),
        (
            "not decided",
            NAN,
            "no order of so few temperatures can decide; here a rank correlation of "
            "-0.70",
        ),
        (
            "not decided",
            0.9,
            "four seeds at these temperatures decide from a rank correlation of 0.9 "
            "on; here a rank correlation of -0.70",
        ),
    ],
)
def test_words_of_ranks(verdict, detectable, words):
    about = {"unit": "rank correlation", "rank": RANK, "number": 4}
    found = judged(verdict, -0.7, detectable=detectable, **about)
    assert sentence(found) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        *((0, "no seeds"), (1, "one seed"), (2, "two seeds"), (9, "nine seeds")),
        *((10, "ten seeds"), (12, "twelve seeds"), (13, "13 seeds")),
    ],
)
def test_numbers_in_words(number, words):
    assert seeds(number) == words


def test_verdicts_are_counted_without_those_that_none_was_given():
    found = [
        *(judged(verdict) for verdict in ("refuted", "confirmed", "refuted")),
        judged("", obstacle="no pairs"),
    ]
    assert total(found) == "Of 3 claims: 1 confirmed, 2 refuted."
    assert total(found[-1:]) == "No claim can be judged on these runs."
