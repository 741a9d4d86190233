"""What the cards of the first screen say, of groups that are counted by hand."""

import dataclasses
import re
import shlex

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.fairness import Interval
from pipelines.analysis import cards
from pipelines.analysis.group_losses import ACCURACY, GroupLoss, Losses, Measure
from pipelines.analysis.results import Model
from pipelines.analysis.verdicts import Verdict
from pipelines.studies.layout import DS, NDS, TEACHER, Run

T4 = Model.named(DS, 4.0)
TPR = Measure("true_positive_rate", 1)
ANY = Interval(0.1, 0.0, 0.2, 0.95)


def loss(group, low, high, by_seed, measure=ACCURACY):
    value = (low + high) / 2
    interval = Interval(value, low, high, 0.95)
    return GroupLoss(T4, measure, "side", group, 40, 0.1, ANY, interval, ANY, by_seed)


B = loss("b", 0.1, 0.3, (0.35, 0.05, 0.2))
ROWS = [
    B,
    loss("a", 0.05, 0.1, (0.1, 0.05, 0.01)),
    # Sure over examples and not over seeds.
    loss("c", 0.05, 0.1, (0.1, -0.05, 0.2)),
    loss("d", -0.1, 0.1, (0.1, 0.1, 0.1)),
    loss("e", -0.3, -0.2, (-0.1, -0.3, -0.2)),
    loss("f", -0.1, 0.0, (-0.1, -0.2, -0.1)),
]
# Groups of b and a: 200 examples each. All labels are "no".
LABELS = np.zeros(400, int)
SIDE = np.repeat([0, 1], 200)


def wrong(side_b, side_a):
    found = [np.arange(200) < n for n in (side_b, side_a)]
    return {"test": np.concatenate(found).astype(int)}


def runs(answers):
    truths = {"test": truth(LABELS, {"side": SIDE, "age": np.full(400, -1)})}
    return study(PEOPLE, truths, {Run(TEACHER, 0): wrong(0, 0)} | answers)


def test_how_many_surely_lose_and_gain():
    card = cards.how_sure(runs({}), Losses(ROWS, {}), B)
    counted, by_seed = card.sentences
    assert counted.startswith(
        "Of 6 groups, 2 surely lose and 1 surely gain against the teacher, 3 are not "
        "sure. "
    )
    assert by_seed == "Trained 3 times, side b loses 5.0 to 35 of 100."
    rates = [B, loss("b", 0.1, 0.2, (0.1,), TPR)]
    card = cards.how_sure(runs({}), Losses(rates, {}), rates[1])
    assert card.sentences[0].startswith("Of 2 rates of groups, 2 surely lose and 0 ")
    assert card.sentences[1].startswith("One seed was trained: ")


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ("a", "a (3)"),
        ("abcd", "a (3), b (4), c (5), d (6)"),
        ("abcdefg", "a (3), b (4), c (5), d (6) and 3 more"),
    ],
)
def test_four_of_those_that_are_left_out_are_named(groups, named):
    left_out = {group: size for size, group in enumerate(groups, 3)}
    *_, last = cards.how_sure(runs({}), Losses(ROWS, left_out), B).sentences
    assert last == f"Left out, of fewer than 1 examples: {named}."


def test_temperatures_that_help_and_that_harm_are_told_apart():
    # Of 200 of side b, against 40 of nds: 40 more, 36 fewer, 20 fewer.
    found = runs(
        {
            Run(NDS, 0): wrong(40, 10),
            Run(DS, 0, 1.0): wrong(80, 20),
            Run(DS, 0, 4.0): wrong(4, 30),
            Run(DS, 0, 10.0): wrong(20, 10),
        }
    )
    card = cards.does_t_help(found, B, T4)
    fewer, more, values, suggested = card.sentences
    for told, sign, at, value, most in (
        (fewer, "fewer", "4, 10", "18", "T=4"),
        (more, "more", "1", "20", "T=1"),
    ):
        begin = (
            f"Surely {sign} errors than without a teacher (nds) for side b at T={at}: "
            f"{value} of 100 at {most}, 95 % interval "
        )
        assert told.startswith(begin)
        low, high = re.fullmatch(r"(\S+) to (\S+)\.", told.removeprefix(begin)).groups()
        assert 0 < float(low) < float(value) < float(high)
    assert (
        values == "Errors for side b against nds, of 100: T=1 +20, T=4 -18, T=10 -10."
    )
    assert suggested == "The validation data suggest T=4."


def test_no_change_is_told_of_the_rate_that_is_meant():
    found = runs({Run(NDS, 0): wrong(4, 10), Run(DS, 0, 4.0): wrong(5, 10)})
    false = loss("b", 0, 1, (0.1,), Measure("false_positive_rate", 0, of_wrong=True))
    card = cards.does_t_help(found, false, None)
    assert card.sentences == [
        "No T surely changes the errors for side b (false positive rate) against nds "
        "(no teacher).",
        "Errors for side b (false positive rate) against nds, of 100: T=4 +0.5.",
        "The validation data suggest no T.",
    ]


def test_without_nds_or_students_there_is_nothing_to_compare():
    for answers in ({Run(NDS, 0): wrong(4, 10)}, {Run(DS, 0, 4.0): wrong(4, 10)}):
        card = cards.does_t_help(runs(answers), B, T4)
        assert card.sentences[0] == "There is nothing to compare T with."


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ([], "no condition passed"),
        (["a", "b"], "a, b"),
        (["a", "b", "c", "d"], "a, b, c, d"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c, d and 2 more"),
    ],
)
def test_four_of_the_conditions_that_are_not_kept_are_named(broken, named):
    judged = Verdict("student-t04/seed0", "p", False, tuple(broken), "here/p.py")
    card = cards.what_to_do(runs({}), judged, failed=True)
    assert card.sentences[1] == f"Not kept: {named}."


def test_a_blessing_names_what_the_policy_tolerates():
    judged = Verdict("student-t04/seed0", "p", True, (), "here/p.py")
    card = cards.what_to_do(runs({}), judged, failed=True)
    begin = "The gate blesses student-t04/seed0, policy p"
    assert card.sentences == [f"{begin}: it may be released."]
    told = ", and the policy tolerates: eod (undecided), harm (failed)."
    tolerated = ("eod (undecided)", "harm (failed)")
    judged = dataclasses.replace(judged, tolerated=tolerated)
    card = cards.what_to_do(runs({}), judged, failed=True)
    assert card.sentences == [begin + told]
    mended = dataclasses.replace(judged, blessed=False, mended="student-t04/seed0/m")
    card = cards.what_to_do(runs({}), mended, failed=True)
    blessed = "Mended it is blessed: student-t04/seed0/m keeps the policy"
    assert blessed + told in card.sentences


@pytest.mark.parametrize("path", ["my pol's 2.py", "a b/p.py", "$HOME/p.py", "p.py"])
def test_a_shell_reads_the_policy_s_path_in_the_command(path):
    judged = Verdict("student-t04/seed0", "p", False, ("c (failed)",), path)
    card = cards.what_to_do(runs({}), judged, failed=True)
    assert shlex.split(card.command) == [
        *("-m", "pipelines.mitigate", "--workdir=WORKDIR"),
        *(f"--policy={path}", "--run=student-t04/seed0"),
    ]


def test_a_student_that_nobody_has_judged_is_to_be_judged():
    for failed, begin in ((True, "Say in a policy"), (False, "Let the gate judge")):
        card = cards.what_to_do(runs({}), None, failed)
        assert card.sentences[0].startswith(begin)
        assert card.sentences[1] == "No run of this student has been judged yet."
