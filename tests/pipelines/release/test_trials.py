"""Which of what was tried is taken: verdicts on validation data, made by hand."""

import dataclasses

import ml_collections
import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from pipelines.release import trials
from pipelines.release.policy import Condition, Mitigation
from pipelines.release.remedies import Remedy
from pipelines.release.trials import Tried
from pipelines.studies.layout import DS, TEACHER, Run

RUN = Run(DS, 0, 4.0)
REMEDY = Remedy("side", "equal_opportunity_difference", 0.1, {}, 0.0)
P, F, U, I = "passed", "failed", "undecided", "insufficient evidence"  # noqa: E741


def tried(*statuses, accuracy=0.5, refuse=(F, U, I), remedy=REMEDY):
    conditions = [{"name": f"c{i}", "status": s} for i, s in enumerate(statuses)]
    verdict = {"conditions": conditions, "refuse": list(refuse)}
    return Tried(RUN, remedy, verdict=verdict, accuracy=accuracy)


REFUSED = Tried(RUN, REMEDY, problem="too few")


@pytest.mark.parametrize(
    ("refuse", "rank"),
    [
        ((F, U, I), (2, 4, -0.75)),
        ((F, U), (2, 3, -0.75)),
        ((F, I), (2, 1, -0.75)),
        ((U,), (0, 3, -0.75)),
        ((), (0, 0, -0.75)),
    ],
)
def test_statuses_count_where_they_refuse_a_release(refuse, rank):
    assert tried(F, U, P, U, I, F, U, refuse=refuse, accuracy=0.75).rank == rank


def test_without_a_verdict_nothing_is_counted():
    assert (REFUSED.count(F), REFUSED.count(U)) == (0, 0)


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([], 0),
        ([REFUSED], 0),
        # No more conditions are kept, however accurate it is.
        ([tried(F, U, accuracy=0.9)], 0),
        ([tried(F, F, accuracy=0.9)], 0),
        # What failed is worse than what is open.
        ([tried(U, U)], 1),
        ([tried(U, U), tried(P, F, accuracy=0.9)], 1),
        ([REFUSED, tried(P, F, accuracy=0.9), tried(P, U)], 3),
        # Of equals, the most accurate one.
        ([tried(P, U, accuracy=0.6), tried(P, U, accuracy=0.7), REFUSED], 2),
        ([tried(P, U, accuracy=0.7), tried(P, U, accuracy=0.6)], 1),
    ],
)
def test_what_keeps_more_is_taken(others, chosen):
    assert trials.best([tried(F, U, remedy=None), *others]) == chosen


def test_what_keeps_all_is_taken_though_the_student_did_on_validation_data():
    # The gate has refused it, on the test split.
    plain = tried(P, P, accuracy=0.9, remedy=None)
    assert trials.best([plain, tried(P, P, accuracy=0.5)]) == 1
    assert trials.best([plain, tried(P, U, accuracy=0.5)]) == 0


def test_names_of_what_is_not_kept():
    found = tried(P, U, F, I, refuse=(F, I)).verdict
    assert trials.not_kept(found) == {"c2", "c3"}
    assert trials.not_kept({}) == set()


# Ten positives and ten negatives of b, as many of a. Of a, five positives are missed,
# whose scores are above those of its negatives: another threshold finds them all.
LABELS = np.tile(np.repeat([1, 0], 10), 2)
SIDE = np.repeat([0, 1], 20)
SCORES = np.where(LABELS, 3.0, -3.0)
SCORES[20:25] = -1.0
ACCURATE = Condition("accurate", "accuracy", at_least=0.7, decide_by="value")
EQUAL = Condition(
    "equal", REMEDY.gap, "side", at_most=0.2, decide_by="value", min_examples=1
)


def search(*conditions, refused=(), methods=("thresholds",), min_examples=1):
    logits = np.stack([np.zeros(40), SCORES], axis=1)
    groups = {"side": SIDE, "age": SIDE}
    # On the test split all are right: it is not looked at.
    right = np.stack([np.zeros(40), 6 * LABELS - 3], axis=1)
    answers = {
        run: {"validation": logits, "test": right} for run in (RUN, Run(TEACHER, 0))
    }
    truths = {split: truth(LABELS, groups) for split in ("validation", "test")}
    policy = ml_collections.ConfigDict(
        {"name": "p", "level": 0.95, "replicates": 100, "refuse": (F, U)}
    )
    options = Mitigation(methods, margin=0.0, min_examples=min_examples)
    found = study(PEOPLE, truths, answers)
    return trials.search(found, policy, conditions, refused, RUN, options)


def test_validation_data_judge_what_was_tried():
    plain, *mended = search(ACCURATE, EQUAL)
    assert (plain.run, plain.remedy, plain.accuracy) == (RUN, None, 35 / 40)
    assert [c["status"] for c in plain.verdict["conditions"]] == [P, F]
    assert plain.verdict["conditions"][1]["value"] == 0.5
    assert plain.verdict["split"] == "validation"
    # There is no export yet.
    names = ("export_version", "export_digest")
    assert [plain.verdict[name] for name in names] == [0, ""]
    assert [one.remedy.at_most for one in mended] == pytest.approx([0.2, 0.15, 0.1])
    for one in mended:
        assert (one.run, one.accuracy, one.rank[:2]) == (RUN, 1.0, (0, 0))
        assert one.verdict["run"] == dataclasses.replace(RUN, mended=True).directory
        assert one.mending is not None


def test_what_the_gate_refused_is_mended_though_it_is_kept_here():
    kept = dataclasses.replace(EQUAL, at_most=0.6)
    assert len(search(ACCURATE, kept)) == 1
    _, *mended = search(ACCURATE, kept, refused=("equal",))
    assert [one.remedy.at_most for one in mended] == pytest.approx([0.6, 0.45, 0.3])


def test_without_thresholds_among_the_methods_none_are_tried():
    (plain,) = search(EQUAL, methods=("balanced",))
    assert plain.rank[:2] == (1, 0)


def test_what_cannot_be_fitted_says_why():
    floor = Condition("floor", "worst_group_accuracy", "side", at_least=0.99)
    _, possible = search(floor)
    assert (possible.problem, possible.accuracy) == ("", 1.0)
    _, *none = search(EQUAL, min_examples=11)
    assert len(none) == 3
    for one in none:
        assert "at least 2 groups with 11 or more examples" in one.problem
        assert (one.verdict, one.mending) == (None, None)
