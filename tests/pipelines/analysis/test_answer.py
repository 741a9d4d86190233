"""The first sentence of a report, in studies whose answer is known."""

import dataclasses

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.fairness import Interval
from pipelines.analysis import group_losses
from pipelines.analysis.answer import (
    _beside,
    _largest,
    _lost,
    _sure,
    _unsure,
    answer,
)
from pipelines.analysis.group_losses import ACCURACY, GroupLoss, Losses, Measure
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
    assert card.sentences[-1] != "c"  # Two who pay are named.
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


TPR = Measure("true_positive_rate", 1)
FPR = Measure("false_positive_rate", 0, of_wrong=True)


def interval(low, high):
    return Interval((low + high) / 2, low, high, 0.95)


def loss(group, low, high, excess=(0.0, 0.2), measure=ACCURACY, examples=40, seeds=1):
    """A row that fails where `low` is above 0."""
    found = interval(low, high)
    return GroupLoss(STUDENT, measure, "side", group, examples, 0.1, found, found,
                     interval(*excess), seeds * (found.value,))  # fmt: skip


@pytest.mark.parametrize(
    ("low", "sentences"),
    [
        (0.02, "That side b loses more is sure: 11 more, 95 % interval 2.0 to 20."),
        (0.0, "That side b loses more is not sure: 10 more, 95 % interval 0.0 to 20."),
    ],
)
def test_whether_a_group_loses_more_than_others_is_sure(low, sentences):
    (line,) = _beside(loss("b", 0.2, 0.4, (low, 0.2)))
    assert line.endswith(sentences)
    assert list(_beside(loss("b", 0.2, 0.4, (np.nan, np.nan)))) == []


def test_what_nobody_surely_loses():
    found = wrong_of(0, 0)
    (line,) = _largest(found, loss("b", -0.1, 0.1))
    assert line == "Every group has at least as many right answers as by the teacher."
    (line,) = _largest(found, loss("b", -0.1, 0.3, examples=1234))
    assert line == (
        "Not sure: side b seems to lose most, it is wrong for 10 more of 100 examples "
        "than the teacher. It may be noise: 95 % interval -10 to 30, 1,234 examples."
    )


def test_three_who_may_lose_more_are_named():
    top = loss("b", 0.1, 0.3)
    more = [loss(g, -0.1, 0.6 + i / 50) for i, g in enumerate("vwxyz")]
    others = [loss("c", 0.3, 0.5), loss("d", -0.1, 0.5)]
    (line,) = _unsure(Losses([top, *others, *more], {}), top)
    assert line == (
        "Others seem to lose more, which is not sure: side v (25 of 100, 40 examples), "
        "side w (26 of 100, 40 examples), side x (27 of 100, 40 examples) and 2 more."
    )
    (line,) = _unsure(Losses([top, *more[:3]], {}), top)
    assert line.endswith("side x (27 of 100, 40 examples).")
    rate = loss("a", -0.1, 0.7, measure=TPR)
    (line,) = _unsure(Losses([top, rate], {}), top)
    assert "side a (true positive rate: 30 of 100, 40 examples)" in line
    assert list(_unsure(Losses([top, *others], {}), top)) == []


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (ACCURACY, "it is wrong for 20 more of 100 examples than the teacher"),
        (TPR, 'of 100 that are "yes" it wrongly says "no" for 20 more than the '
              "teacher"),
        (FPR, 'of 100 that are "no" it wrongly says "yes" for 20 more than the '
              "teacher"),
    ],
)  # fmt: skip
def test_what_a_group_loses(measure, words):
    assert _lost(wrong_of(0, 0), loss("b", 0.1, 0.3, measure=measure)) == words


@pytest.mark.parametrize(("seeds", "agree"), [(1, ""), (3, ", in 3 of 3 seeds")])
def test_how_sure_a_loss_is(seeds, agree):
    row = loss("b", 0.1, 0.3, examples=1234, seeds=seeds)
    assert _sure(row) == f"Sure: 95 % interval 10 to 30, 1,234 examples{agree}."


@pytest.mark.parametrize(
    ("low", "sentence"),
    [
        (0.02, "The student (T=4) fails side b: "),
        (0.0, "The student (T=4) surely fails no group more than the others. Of those"),
    ],
)
def test_a_group_that_is_named_surely_loses_more(monkeypatch, low, sentence):
    # No real counts have an interval that ends at exactly 0.
    rows = [loss("b", 0.1, 0.3, (low, 0.4)), loss("a", 0.1, 0.2, (-0.1, 0.1))]
    monkeypatch.setattr(group_losses, "losses", lambda *about: Losses(rows, {}))
    found = answer(wrong_of(80, 4), STUDENT, {})
    assert found.sentence.startswith(sentence)
    assert found.top.group == "b"


def test_the_student_that_is_chosen_is_asked_first():
    made = wrong_of(80, 4, nds=20)
    answers = {r.run: dict(r.logits) for r in made.results}
    answers[Run(DS, 0, 10.0)] = answers[Run(NDS, 0)]
    t10 = Model.named(DS, 10.0)
    both = study(PEOPLE, made.truth, answers)
    for chosen, student in ((t10, t10), (STUDENT, STUDENT), (None, STUDENT)):
        found = answer(both, chosen, {})
        assert (found.student, found.top.model) == (student, student)
        assert list(found.losses) == [Model.named(NDS), STUDENT, t10]
        assert found.attributes == ("side", "age")
    without = {r: a for r, a in answers.items() if r.model != DS}
    assert answer(study(PEOPLE, made.truth, without), None, {}).student.title == "nds"
    only = {r: a for r, a in answers.items() if r.model != TEACHER}
    found = answer(study(PEOPLE, made.truth, only), None, {})
    assert "no teacher to compare with" in found.sentence


def test_without_attributes_classes_are_named():
    spec = dataclasses.replace(PEOPLE, groups={})
    labels = np.repeat([0, 1], 200)
    answers = {
        Run(TEACHER, 0): {"test": labels},
        Run(DS, 0, 4.0): {"test": np.where(np.arange(400) < 80, 1, labels)},
    }
    found = answer(study(spec, {"test": truth(labels, {})}, answers), STUDENT, {})
    assert found.attributes == ("class",)
    assert "fails class no: it is wrong for 40 more of 100" in found.sentence
    assert (
        found.lowest[:1].upper() + found.lowest[1:]
    ) == "It is least often right for class no: 60 of 100, the teacher 100."
