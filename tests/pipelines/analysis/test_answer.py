"""The first sentence of a report, in studies whose answer is known."""

import dataclasses

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from pipelines.analysis.answer import answer
from pipelines.analysis.results import Model
from pipelines.analysis.verdicts import Verdict
from pipelines.studies.layout import DS, NDS, TEACHER, Run

STUDENT = Model.named(DS, 4.0)


def wrong_of(side_b: int, side_a: int, nds: int = 0, size: int = 200):
    """A teacher without error, and a student with so many errors in each group."""
    labels = np.zeros(2 * size, int)
    side = np.repeat([0, 1], size)

    def answers(b: int, a: int):
        return np.concatenate([np.arange(size) < b, np.arange(size) < a]).astype(int)

    runs = {
        Run(TEACHER, 0): {"test": labels},
        Run(NDS, 0): {"test": answers(nds, nds)},
        Run(DS, 0, 4.0): {"test": answers(side_b, side_a)},
    }
    truths = {"test": truth(labels, {"side": side, "age": np.full(2 * size, -1)})}
    return study(PEOPLE, truths, runs)


def said(found) -> str:
    return " ".join([found.sentence, *found.evidence])


def test_the_group_that_loses_more_is_named():
    found = answer(wrong_of(80, 4), STUDENT, {})
    assert found.sentence == (
        "The student (T=4) fails side b: it is wrong for 40 more of 100 examples than "
        "the teacher."
    )
    assert found.evidence[0].startswith("Sure: 95 % interval ")
    assert "200 examples." in found.evidence[0]
    # 4 of 200 of everyone else.
    assert "Everyone else loses 2.0 of 100." in said(found)
    assert "loses more is sure: 38 more" in said(found)
    assert found.top.group == "b"


def test_accuracy_comes_before_its_parts():
    # All labels are "no": accuracy and false positive rate say the same.
    assert answer(wrong_of(80, 4), STUDENT, {}).top.measure.name == "accuracy"


def test_a_few_who_seem_to_lose_more_are_named_as_not_sure():
    # As Adult's 25 of "Other": 4 of 12 of a, 60 of 400 of b.
    labels = np.zeros(412, int)
    side = np.repeat([1, 0], [12, 400])
    wrong = np.zeros(412, int)
    wrong[:4] = wrong[12:72] = 1
    truths = {"test": truth(labels, {"side": side, "age": np.full(412, -1)})}
    runs = {Run(TEACHER, 0): {"test": labels}, Run(DS, 0, 4.0): {"test": wrong}}
    found = answer(study(PEOPLE, truths, runs), STUDENT, {})
    assert found.sentence.endswith(
        "Of those that surely lose, side b loses most: it is wrong for 15 more of 100 "
        "examples than the teacher."
    )
    assert (
        "Others seem to lose more, which is not sure: side a (33 of 100, 12 examples)"
        in found.evidence[2]
    )
    # 60 of 400 are surely more than 11.8 of 100 (Wilson), 4 of 12 than 13.8.
    assert "It is least often right for side a: 67 of 100" in said(found)


def test_the_lowest_accuracy_is_of_the_group_that_is_surely_low():
    # Wilson's lower ends: 120 of 400 are wrong at least 25.7, 4 of 12 at least 13.8.
    labels = np.zeros(412, int)
    side = np.repeat([1, 0], [12, 400])
    wrong = np.zeros(412, int)
    wrong[:4] = wrong[12:132] = 1
    truths = {"test": truth(labels, {"side": side, "age": np.full(412, -1)})}
    runs = {Run(TEACHER, 0): {"test": labels}, Run(DS, 0, 4.0): {"test": wrong}}
    found = answer(study(PEOPLE, truths, runs), STUDENT, {})
    assert "it is least often right for side b: 70 of 100" in said(found)
    assert "Side a has 67 of 100, of 12 examples, too few to be sure." in said(found)


def test_equal_losses_single_out_no_one():
    found = answer(wrong_of(80, 80), STUDENT, {})
    assert "surely fails no group more than the others" in found.sentence
    assert "is not sure" in said(found)


def test_no_loss_is_said_so():
    found = answer(wrong_of(1, 0), STUDENT, {})
    assert found.sentence == (
        "No group is surely failed more by the student (T=4) than by the teacher."
    )
    assert "Not sure: side b seems to lose most" in said(found)
    assert "It may be noise" in said(found)
    none = answer(wrong_of(0, 0), STUDENT, {})
    assert "at least as many right answers as by the teacher" in said(none)


def test_cards_answer_their_questions():
    sure, helps, todo = answer(wrong_of(80, 4), STUDENT, {}).cards
    assert "One seed was trained" in " ".join(sure.sentences)
    # nds has no error: T=4 has 40 more of 100 for side b.
    assert "Errors for side b against nds, of 100: T=4 +40." in helps.sentences
    assert helps.sentences[0].startswith("Surely more errors than without a teacher")
    assert "The validation data suggest T=4." in helps.sentences
    assert "Write configs/policies/mine.py first" in todo.sentences[-1]
    assert todo.command == (
        "-m pipelines.gate --workdir=WORKDIR --policy=configs/policies/mine.py"
    )


def test_help_is_said_where_the_student_has_fewer_errors():
    helps = answer(wrong_of(4, 4, nds=80), STUDENT, {}).cards[1]
    assert helps.sentences[0].startswith("Surely fewer errors than without a teacher")
    assert "38 of 100 at T=4" in helps.sentences[0]


@pytest.mark.parametrize(
    ("blessed", "words", "command"),
    [
        (True, "blesses student-t04/seed0, policy p", "pipelines.litert"),
        (False, "refuses student-t04/seed0, policy p", "pipelines.mitigate"),
    ],
)
def test_the_gate_s_verdict_says_what_to_do(blessed, words, command):
    verdict = Verdict("student-t04/seed0", "p", blessed, ("worst (failed)",))
    card = answer(wrong_of(80, 4), STUDENT, {STUDENT: verdict}).cards[2]
    assert words in card.sentences[0]
    assert command in card.command
    assert ("worst (failed)" in " ".join(card.sentences)) != blessed


@pytest.mark.parametrize(
    ("after", "words", "command"),
    [
        (
            {"mended": "student-t04/seed0/mended", "who_pays": ("Pays: a", *"bcde")},
            "student-t04/seed0/mended keeps the policy. Pays: a b c d",
            "-m pipelines.gate --workdir=WORKDIR --policy=here/p.py "
            "--run=student-t04/seed0/mended --push=WORKDIR/serving",
        ),
        (
            {"not_mended": "nothing of 3 tried keeps more", "trained": True},
            "Mending did not help: nothing of 3 tried keeps more. What is left: more",
            "",
        ),
        (
            {"not_mended": "nothing of 3 tried keeps more"},
            "No method that trains was tried. Beside that, what is left: more examples",
            "-m pipelines.mitigate --workdir=WORKDIR --policy=here/p.py "
            "--run=student-t04/seed0 "
            """--policy.mitigation.methods="('thresholds','balanced')\"""",
        ),
        ({"lacks_examples": True}, "measure on more examples", ""),
    ],
)
def test_what_to_do_knows_what_was_tried(after, words, command):
    judged = Verdict("student-t04/seed0", "p", False, ("c (failed)",), "here/p.py")
    judged = dataclasses.replace(judged, **after)
    card = answer(wrong_of(80, 4), STUDENT, {STUDENT: judged}).cards[2]
    assert card.sentences[0] == "The gate refuses student-t04/seed0, policy p."
    assert words in " ".join(card.sentences)
    assert card.command == command


def test_a_verdict_about_another_export_is_not_shown():
    judged = Verdict("student-t04/seed0", "p", True, (), "here/p.py", outdated=True)
    card = answer(wrong_of(80, 4), STUDENT, {STUDENT: judged}).cards[2]
    assert "about another export than the run has today" in card.sentences[0]
    assert "blesses" not in " ".join(card.sentences)
    assert card.command == (
        "-m pipelines.gate --workdir=WORKDIR --policy=here/p.py --run=student-t04/seed0"
    )


def test_nothing_to_compare_is_said():
    labels = np.zeros(20, int)
    truths = {"test": truth(labels, {"side": labels, "age": labels})}
    alone = study(PEOPLE, truths, {Run(TEACHER, 0): {"test": labels}})
    found = answer(alone, None, {})
    assert "cannot be told yet: no student" in found.sentence
    assert found.top is None
