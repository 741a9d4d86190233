"""Who gains and who pays, on groups that are large enough to be sure."""

import memory_study
import numpy as np
import pytest
from report_workdir import PAIRS, write_pairs

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import Interval
from pipelines.analysis import mitigation as effects
from pipelines.analysis.results import read_study
from pipelines.studies import sealed
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
        "All: accuracy 90.0 % -> 90.0 % (+0.0 points, -0.7 to +0.7).",
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


@pytest.mark.parametrize(
    ("low", "high", "effect"),
    [
        (2e-9, 0.2, "better"),
        # What rounding may leave of an end at 0 is no effect.
        (1e-9, 0.2, ""),
        (-0.1, 0.2, ""),
        (-0.2, -1e-9, ""),
        (-0.2, -2e-9, "worse"),
    ],
)
def test_an_effect_is_an_interval_without_0(low, high, effect):
    interval = Interval((low + high) / 2, low, high, 0.95)
    change = effects.Change("side", "a", "accuracy", 9, *3 * [interval], 1, 0)
    assert change.effect == effect


BASE, ENDED = "student-t04/seed0", "student-t04/seed1"


def a_mitigation(workdir, **changed):
    """A study, and what mitigation.json says of a student that is there."""
    study = read_study(workdir, PAIRS)
    by_name = {r.run.directory: r for r in study.results}
    tried = {"run": ENDED, "method": "thresholds", "accuracy": 0.5, "failed": 1}
    document = {
        "run": ENDED,
        "base": BASE,
        "export_digest": by_name[ENDED].info["export_digest"],
        "policy": "p",
        "blessed": True,
        "reason": "",
        "before": {"reason": "the gap is 0.3"},
        "after": {"blessed": True},
        "sentences": ["All: as before."],
        "tried": [tried | {"undecided": 2, "chosen": "yes", "problem": None}],
        **changed,
    }
    sealed.write(effects.record_path(workdir), document)
    return study


def test_what_the_report_says_of_a_mitigation(tmp_path):
    workdir = write_pairs(tmp_path)
    assert effects.mended(workdir, read_study(workdir, PAIRS)) is None
    found = effects.mended(workdir, a_mitigation(workdir))
    assert found.text == [
        f"The policy p refused {BASE}: the gap is 0.3.",
        f"What the gate says after it, of {ENDED}: BLESSED.",
        "All: as before.",
    ]
    (tried,), (changes,) = found.folded, found.tables
    assert tried.csv() == (
        "run,method,accuracy,failed,undecided,chosen,problem\n"
        f"{ENDED},thresholds,0.500000,1,2,yes,\n"
    )
    assert changes.csv().splitlines()[0] == (
        "attribute,group,rate,examples,before,before_low,before_high,after,after_low,"
        "after_high,change,change_low,change_high,effect,now_right,now_wrong"
    )
    # Both students answer alike, one of eight wrongly.
    assert changes.rows[0]["before"] == changes.rows[0]["after"] == 7 / 8


def test_what_is_tolerated_after_mending_is_said(tmp_path):
    workdir = write_pairs(tmp_path)
    failed = {"name": "eod", "status": "failed"}
    study = a_mitigation(workdir, after={"blessed": True, "conditions": [failed]})
    assert (
        effects.mended(workdir, study)
        .text[1]
        .endswith("BLESSED, and the policy tolerates: eod (failed).")
    )


@pytest.mark.parametrize("field", ["run", "base", "policy", "before", "after"])
def test_a_mitigation_without_a_field_is_refused(tmp_path, field):
    workdir = write_pairs(tmp_path)
    study = a_mitigation(workdir)
    path = effects.record_path(workdir)
    content = sealed.read(path, "")
    del content[field]
    sealed.write(path, content)
    message = rf"has no '{field}': an older version wrote it.*Delete {path} and mitiga"
    with pytest.raises(ValueError, match=message):
        effects.mended(workdir, study)


def test_a_mitigation_without_what_it_was_made_from_is_not_gone_on_with(tmp_path):
    workdir = write_pairs(tmp_path)
    a_mitigation(workdir)
    assert effects.read(workdir)["run"] == ENDED
    with pytest.raises(ValueError, match="has no 'made_from': an older version"):
        effects.read(workdir, "made_from")


def test_a_mitigation_that_ended_with_nothing_has_no_changes(tmp_path):
    workdir = write_pairs(tmp_path)
    study = a_mitigation(workdir, after=None, blessed=False, reason="in vain")
    found = effects.mended(workdir, study)
    assert found.text[1] == (
        f"What the gate says after it, of {ENDED}: NOT_BLESSED, in vain."
    )
    assert ([t.name for t in found.tables], found.folded) == (["mitigation_tried"], [])
    study = a_mitigation(workdir, export_digest="0" * 64)
    assert effects.mended(workdir, study) is None


def test_before_and_after_are_the_students_that_are_named(tmp_path):
    workdir = write_pairs(tmp_path)
    study = a_mitigation(workdir)
    document = effects.read(workdir)
    same, before, after = effects.before_and_after(workdir, study, document)
    assert same is study
    assert (before.run.seed, after.run.seed) == (0, 1)
    assert before.run.directory == BASE


def test_of_several_classes_there_is_accuracy_alone():
    three = memory_study.PEOPLE
    spec = DatasetSpec(**{**vars(three), "class_names": ("a", "b", "c")})
    truth = {"test": memory_study.truth([0, 1, 2], {"side": [0, 0, 1], "age": [0] * 3})}
    answers = {BEFORE: {"test": [0, 1, 1]}, AFTER: {"test": [0, 2, 2]}}
    study = memory_study.study(spec, truth, answers)
    found = effects.changes(study, *study.results)
    assert [(c.attribute, c.group, c.rate) for c in found] == [
        (attribute, group, "accuracy")
        for attribute, group in (
            ("", ""),
            ("side", "b"),
            ("side", "a"),
            ("age", "young"),
        )
    ]
    counted = [(c.examples, c.now_right, c.now_wrong) for c in found]
    assert counted == [(3, 1, 1), (2, 0, 1), (1, 1, 0), (3, 1, 1)]


def test_what_is_said_of_a_change():
    (change, *_) = found_after(96, 20)
    text = str(change)
    assert text.startswith("accuracy 90.0 % -> 79.0 % (-11.0 points, ")
    low, high = text.removesuffix(")").rpartition(", ")[2].split(" to ")
    assert float(low) == pytest.approx(100 * change.change.low, abs=0.05)
    assert float(high) == pytest.approx(100 * change.change.high, abs=0.05)
