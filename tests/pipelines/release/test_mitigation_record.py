"""What mitigation.json and people are told, of trials that are made by hand."""

import pytest

from pipelines.release import mitigation_record as record
from pipelines.release.policy import Mitigation
from pipelines.release.remedies import Remedy
from pipelines.release.trials import Tried
from pipelines.studies.layout import DS, Run

RUN = Run(DS, 1, 4.0)
BALANCED = Run(DS, 1, 4.0, "balanced")
REMEDY = Remedy("side", None, None, {"accuracy": 0.75}, 0.0)
THRESHOLDS = (
    "thresholds by side: accuracy of each at least 0.75, 0 standard errors kept free"
)
LEFT = (
    "what is left: more examples of these groups, features that tell more about them, "
    "a larger student where the teacher does better, or another bound, by those who "
    "answer for the model"
)


def verdict(*statuses, run=RUN, blessed=False, digest="a"):
    conditions = [
        {"name": f"c{i}", "status": status, "reason": f"value {i} is {status}"}
        for i, status in enumerate(statuses)
    ]
    return {
        **{"policy": "p", "run": run.directory, "export_digest": digest},
        **{"blessed": blessed, "reason": "" if blessed else "not kept: c0"},
        **{"refuse": ["failed", "undecided"], "conditions": conditions},
        "split": "test",
    }


AS_IT_IS = Tried(RUN, None, verdict=verdict("failed", "failed", "undecided"),
                 accuracy=0.9)  # fmt: skip
BETTER = Tried(RUN, REMEDY, verdict=verdict("passed", "failed", "undecided"),
               accuracy=0.8)  # fmt: skip
TRAINED = Tried(BALANCED, None, verdict=verdict("passed", "passed", "passed"),
                accuracy=0.7)  # fmt: skip
BOTH = Tried(BALANCED, REMEDY, problem="too few")
BEFORE = verdict("failed")
AFTER = verdict("passed", run=BALANCED, blessed=True, digest="b")


def test_rows_say_what_was_tried_and_what_is_not_kept():
    tried = [AS_IT_IS, BETTER, TRAINED, BOTH]
    found = record.document(BEFORE, AFTER, tried, 2, "", 3, ["Gains: a."])
    names = ("run", "method", "accuracy", "failed", "undecided", "chosen", "problem")
    assert [tuple(row[name] for name in names) for row in found.pop("tried")] == [
        (RUN.directory, "as it is", 0.9, 2, 1, "", ""),
        (RUN.directory, THRESHOLDS, 0.8, 1, 1, "", ""),
        (BALANCED.directory, "trained by balanced", 0.7, 0, 0, "chosen", ""),
        (BALANCED.directory, f"trained by balanced, {THRESHOLDS}", None, None, None,
         "", "too few"),
    ]  # fmt: skip
    assert found == {
        **{"policy": "p", "base": RUN.directory, "run": BALANCED.directory},
        **{"export_digest": "b", "blessed": True, "reason": ""},
        **{"before": BEFORE, "after": AFTER, "sentences": ["Gains: a."]},
        "test_looks": 3,
    }


def test_without_a_second_verdict_the_first_one_stays():
    found = record.document(BEFORE, None, [AS_IT_IS], None, "nothing helps", 0)
    of_student = (RUN.directory, "a", False, "nothing helps", None)
    names = ("run", "export_digest", "blessed", "reason", "after")
    assert tuple(found[name] for name in names) == of_student
    other = record.document(BEFORE, None, [AS_IT_IS], None, "", 0)
    assert other["reason"] == "not kept: c0"


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (
            [],
            "thresholds for groups cannot mend c0, c1, c2, and no other method may be "
            "tried: --policy.mitigation.methods is ['thresholds', 'balanced']",
        ),
        (
            [BOTH._replace(problem="the first"), BOTH],
            "no thresholds could be fitted: too few",
        ),
        (
            [BOTH, TRAINED._replace(verdict=verdict("failed", "failed")), BETTER],
            "none of 3 ways keeps more conditions on validation data than the "
            f"student as it is; not kept are c0, c1, c2. The closest is {THRESHOLDS}: "
            "there the value 1 is failed; the value 2 is undecided",
        ),
    ],
)
def test_why_nothing_is_taken(others, told):
    options = Mitigation(methods=("thresholds", "balanced"))
    assert record.why_not([AS_IT_IS, *others], options) == told


def test_what_the_gate_alone_refused_is_the_policy():
    kept = AS_IT_IS._replace(verdict=verdict("passed"))
    told = record.why_not([kept], Mitigation())
    assert told.startswith("thresholds for groups cannot mend the policy, and")


def told(tried, chosen, after, reason="", looks=1, **more):
    found = record.document(BEFORE, after, tried, chosen, reason, looks, ["Pays: a."])
    return record.describe({**found, **more}).split("\n")


REFUSED = [
    "student-t04/seed1, policy p: NOT_BLESSED, not kept: c0",
    "  failed                value 0 is failed",
]
BLESSED = [
    "student-t04-balanced/seed1, policy p: BLESSED",
    "  passed                value 0 is passed",
]


def test_a_blessed_end_in_words():
    tried = [AS_IT_IS, BETTER, TRAINED, BOTH]
    lines = told(tried, 2, AFTER, looks=2, again=True)
    assert lines == [
        "done before: nothing has changed since",
        *REFUSED,
        "tried on validation data: 3; 1 of them cannot be, such as:",
        f"  trained by balanced, {THRESHOLDS}: too few",
        "chosen: trained by balanced (student-t04-balanced/seed1), all conditions kept "
        "on validation data; as it was, 2 conditions failed and 1 condition not "
        "decided",
        "  Pays: a.",
        "the test split was used 2 times: it is no longer an independent check",
        *BLESSED,
    ]
    assert lines[1:7] + lines[8:] == told(tried, 2, AFTER)


def test_an_end_that_nothing_mends_in_words():
    # Of four kinds of problems three are told, of each the first.
    problems = [
        BETTER._replace(verdict=None, problem=problem, run=run)
        for problem, run in (
            *(("one", RUN), ("two", RUN), ("one", BALANCED)),
            *(("three", RUN), ("four", RUN)),
        )
    ]
    refused = [f"  {THRESHOLDS}: {name}" for name in ("one", "two", "three")]
    stays = "student-t04/seed1 stays NOT_BLESSED: in vain"
    begin = [*REFUSED, "tried on validation data: 5; 5 of them cannot be, such as:"]
    lines = told([AS_IT_IS, *problems], None, None, "in vain")
    assert lines == [*begin, *refused, "  Pays: a.", stays, LEFT]


def test_a_blessed_student_has_nothing_to_mend():
    lines = record.describe(record.document(AFTER, None, [], None, "", 0)).split("\n")
    assert lines == [*BLESSED, "nothing to mend"]


def test_a_verdict_names_the_file_of_its_policy():
    line, *_ = record.gate.describe({**AFTER, "policy_file": "own/p.py"}).split("\n")
    assert line == "student-t04-balanced/seed1, policy p (own/p.py): BLESSED"


def test_a_name_from_the_data_is_no_line_of_its_own():
    evil = "a\n::error::x\nb, policy p: BLESSED"
    found = verdict("failed")
    found["conditions"][0]["reason"] = f"accuracy of side={evil} is 50.0 %"
    shown = "a\\n::error::x\\nb, policy p: BLESSED"
    told = [
        "student-t04/seed1, policy p: NOT_BLESSED, not kept: c0",
        f"  failed                accuracy of side={shown} is 50.0 %",
    ]
    assert record.gate.describe(found).split("\n") == told
    pays = [f"Pays: {evil}"]
    document = record.document(found, None, [AS_IT_IS], None, evil, 0, pays)
    lines = record.describe(document).split("\n")
    assert lines[:2] == told
    assert f"  Pays: {shown}" in lines
    assert f"student-t04/seed1 stays NOT_BLESSED: {shown}" in lines
    assert not any(line.lstrip().startswith("::") for line in lines)


def test_what_a_blessing_tolerates_is_said():
    found = verdict("passed", "undecided", "failed", blessed=True)
    line, *_ = record.gate.describe(found).split("\n")
    told = "BLESSED, and the policy tolerates: c1 (undecided), c2 (failed)"
    assert line.endswith(told)
