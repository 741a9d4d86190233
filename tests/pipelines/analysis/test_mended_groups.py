"""Who gains and who pays, on groups that are large enough to be sure."""

import memory_study
import numpy as np
import pytest
from report_workdir import PAIRS, write_pairs

from pipelines.analysis import mitigation as effects
from pipelines.analysis.results import read_study
from pipelines.studies.layout import DS, NDS, Run

# 200 of each side, the second half of each positive; everybody is of age 0.
LABELS = np.tile(np.repeat([0, 1], 100), 2)
SIDE = np.repeat([0, 1], 200)
BEFORE, AFTER = Run(NDS, 0), Run(DS, 0, 4.0)
BY_SIDE = {"attribute": "side", "benefit": "true_positive_rate"}


def found_after(found_b, found_a):
    """The changes where of 100 positives 80 were found before, and so many after."""
    before = _answers(80, 80)
    truth = {"test": memory_study.truth(LABELS, {"side": SIDE, "age": 0 * SIDE})}
    answers = {
        BEFORE: {"test": before},
        AFTER: {"test": _answers(found_b, found_a)},
    }
    study = memory_study.study(memory_study.PEOPLE, truth, answers)
    return effects.changes(study, *study.results)


def _answers(*found):
    """No negative is selected, and of the positives of each side so many are."""
    per_side = [np.repeat([0, 1, 0], [100, n, 100 - n]) for n in found]
    return np.concatenate(per_side)


def test_a_change_has_the_intervals_of_its_counts():
    changes = {(c.group, c.rate): c for c in found_after(80, 50)}
    rate = changes["a", "true_positive_rate"]
    assert (rate.examples, rate.now_right, rate.now_wrong) == (100, 0, 30)
    # Wilson 1927: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
    z, p, n = 1.959964, 0.5, 100
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (rate.after.low, rate.after.high) == pytest.approx((0.5 - half, 0.5 + half))
    # Binomial(100, .3) is 30, its 2.5 % and 97.5 % quantiles are 21 and 39.
    assert rate.change.value == pytest.approx(-0.3)
    ends = (rate.change.low, rate.change.high)
    assert ends == pytest.approx((-0.39, -0.21), abs=0.02)
    assert changes["b", "true_positive_rate"].change.value == 0
    assert changes["a", "selection_rate"].after.value == pytest.approx(50 / 200)
    assert changes["", "accuracy"].after.value == pytest.approx(330 / 400)
    assert ("adult", "accuracy") not in changes


def test_who_pays_is_named():
    lines = list(effects.sentences(found_after(96, 20), BY_SIDE))
    assert lines[0].startswith("All: accuracy 90.0 % -> 79.0 % (-11.0 points, ")
    named = [line.split(" %")[0] for line in lines[1:]]
    assert named == [
        # The largest change first: +16 of 100, +8 of 200; -60 of 100, -30 of 200; ...
        "Gains: side=b, true positive rate 80.0",
        "Gains: side=b, accuracy 90.0",
        "Pays: side=a, true positive rate 80.0",
        "Pays: side=a, accuracy 90.0",
        "Pays: age=young, true positive rate 80.0",
        "Pays: age=young, accuracy 90.0",
    ]


def test_what_reads_the_group_says_so():
    told = {**BY_SIDE, "reads_group": True}
    *_, last = effects.sentences(found_after(96, 20), told)
    assert last.startswith("Needs: the mended student is given the side of everyone")
    others = effects.sentences(found_after(96, 20), BY_SIDE | {"reads_group": False})
    assert not any(line.startswith("Needs") for line in others)


def test_of_many_who_pay_the_most_are_told(monkeypatch):
    monkeypatch.setattr(effects, "_MOST_TOLD", 3)
    lines = list(effects.sentences(found_after(96, 20), BY_SIDE))
    assert [line.split(", ")[0] for line in lines if line.startswith("Pays")] == [
        "Pays: side=a",
        "Pays: side=a",
        "Pays: age=young",
        "Pays: 1 more",
    ]


def test_levelling_down_is_named():
    lines = list(effects.sentences(found_after(79, 50), BY_SIDE))
    assert lines[-1].startswith(
        "Levelled down: the true positive rate of every group of side falls"
    )
    others = list(effects.sentences(found_after(80, 50), BY_SIDE))
    assert not any("Levelled" in line for line in others)


def test_without_thresholds_accuracy_is_what_counts():
    lines = list(effects.sentences(found_after(80, 80), None))
    assert lines == [
        "All: accuracy 90.0 % -> 90.0 % (+0.0 points, +0.0 to +0.0).",
        *(
            f"{title}: nobody of whom the data are sure, in accuracy, true positive "
            "rate, true negative rate."
            for title in ("Gains", "Pays")
        ),
    ]


def test_the_table_has_rates_before_and_after_and_who_changed():
    rows = effects.change_table(found_after(96, 50)).rows
    by_rate = {(r["attribute"], r["group"], r["rate"]): r for r in rows}
    # Sides b and a, and young, who are all.
    rates = ["accuracy", "true positive rate", "true negative rate", "selection rate"]
    assert [r["rate"] for r in rows] == 4 * rates
    whole = by_rate["all", "all", "accuracy"]
    # 16 more of b are right, and 30 fewer of a.
    assert (whole["examples"], whole["now_right"], whole["now_wrong"]) == (400, 16, 30)
    assert (whole["before"], whole["after"]) == pytest.approx((360 / 400, 346 / 400))
    assert whole["change"] == pytest.approx(-14 / 400)
    assert whole["effect"] == "worse"
    negative = by_rate["side", "a", "true negative rate"]
    assert (negative["examples"], negative["change"], negative["effect"]) == (
        100,
        0,
        "",
    )
    selected = by_rate["side", "b", "selection rate"]
    assert (selected["before"], selected["after"]) == (80 / 200, 96 / 200)
    assert selected["examples"] == 200
    assert selected["before_low"] < 0.4 < selected["before_high"]
    assert selected["change_low"] < 0.08 < selected["change_high"]
    assert not {"now_right", "now_wrong"} & selected.keys()


def test_to_be_selected_is_neither_better_nor_worse():
    table = effects.change_table(found_after(95, 50))
    effect = {(r["group"], r["rate"]): r["effect"] for r in table.rows}
    assert effect["a", "selection rate"] == ""
    assert effect["a", "true positive rate"] == "worse"
    assert effect["b", "true positive rate"] == "better"


def test_a_mitigation_is_of_the_student_that_is_there(tmp_path):
    workdir = write_pairs(tmp_path)
    by_name = {r.run.directory: r for r in read_study(workdir, PAIRS).results}
    run, base = "student-t04/seed1", "student-t04/seed0"
    document = {
        "run": run,
        "base": base,
        "export_digest": by_name[run].info["export_digest"],
    }
    assert effects.is_there(workdir, document)
    for other in (
        {"export_digest": "0" * 64},
        {"run": "student-t04/seed2"},
        {"base": "student-t04/seed2"},
        {"run": "elsewhere"},
    ):
        assert not effects.is_there(workdir, document | other)
    assert effects.read(workdir) is None
