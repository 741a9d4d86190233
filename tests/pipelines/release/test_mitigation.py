"""A refused student is mended, evaluated by TFMA, judged again; counted by hand."""

import dataclasses
import pathlib
import shutil

import ml_collections
import numpy as np
import policy_main
import pytest
import release_study as study
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets import Dataset
from kd_keras.mitigation import GroupThresholds
from pipelines import mitigate as mitigate_main
from pipelines.analysis import mitigation as effects
from pipelines.analysis import quantization, verdicts
from pipelines.analysis.results import read_study
from pipelines.evaluation import evaluate
from pipelines.release import (
    card_files,
    conversion,
    gate,
    mitigation,
    mitigation_record,
)
from pipelines.report.write import write_report
from pipelines.studies import config as configs
from pipelines.studies import mended_run, run_record, sealed
from pipelines.studies.layout import run_dir

RUN = study.CANDIDATE.directory
MENDED = f"{RUN}/mended"
ACCURACY = {"metric": "accuracy", "at_least": 0.6, "decide_by": "value"}
# True positive rates are 18/20 and 12/20. Scores have two values, so that a group's
# rate may become 0 or 1, too: the least errors with a gap of at most .15 has b at 1,
# that is 4 errors in a and 20 in b.
EQUAL = {
    "metric": "equal_opportunity_difference",
    "attribute": "side",
    "at_most": 0.15,
    "decide_by": "value",
    "min_examples": 20,
}


def make_policy(options=None, **conditions):
    return ml_collections.ConfigDict(
        {
            "name": "test",
            "level": 0.95,
            "replicates": 200,
            "refuse": ("failed", "undecided"),
            "selection": {
                "metric": "equalized_odds_difference",
                "attribute": "",
                "tolerance": 0.2,
            },
            "conditions": {"accuracy": ACCURACY, "equal": EQUAL, **conditions},
            "mitigation": {"margin": 0.0, "min_examples": 1, **(options or {})},
        }
    )


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """The workdir of a study that TFMA evaluated, whose student is refused."""
    patch = pytest.MonkeyPatch()
    patch.setattr(configs, "load_dataset", lambda config: study.dataset())
    workdir = str(tmp_path_factory.mktemp("mitigation") / "w")
    study.write_study(workdir)
    evaluate.evaluate(workdir)
    yield workdir
    patch.undo()


@pytest.fixture(scope="module")
def mended(refused, tmp_path_factory):
    """A copy of it that was mended, and what came of it."""
    directory = tmp_path_factory.mktemp("mended")
    workdir, policy_file = str(directory / "w"), directory / "policy.py"
    shutil.copytree(refused, workdir)
    policy_file.write_text("conditions.equal = {}\n")
    found = mitigation.mitigate(workdir, make_policy(), policy_file=str(policy_file))
    return workdir, found


@pytest.fixture
def workdir(refused, tmp_path):
    """A copy of the refused one that a test may spoil."""
    return shutil.copytree(refused, tmp_path / "w").as_posix()


def test_the_refused_student_ends_blessed(mended):
    _, found = mended
    assert not found["before"]["blessed"]
    assert found["before"]["reason"] == "conditions not kept: equal"
    assert found["blessed"]
    assert found["run"] == MENDED
    by_name = {c["name"]: c for c in found["after"]["conditions"]}
    assert by_name["accuracy"]["value"] == pytest.approx(56 / 80)
    assert by_name["accuracy"]["decided_by"] == "TFMA"
    assert by_name["equal"]["value"] == pytest.approx(1 - 18 / 20)
    assert found["test_looks"] == 1
    # Both verdicts point at the policy's file.
    for verdict in (found["before"], found["after"]):
        assert verdict["policy_file"] == "policy.py"


def test_what_fails_is_mended_where_the_policy_refuses_for_nothing(workdir):
    policy = make_policy()
    policy.refuse = ()
    del policy.conditions["accuracy"]
    found = mitigation.mitigate(workdir, policy)
    assert found["before"]["reason"] == "no condition is passed"
    assert (found["run"], found["blessed"]) == (MENDED, True)


def test_what_was_tried_is_told(mended):
    _, found = mended
    as_it_is, first, *_ = found["tried"]
    assert (as_it_is["failed"], first["failed"]) == (1, 0)
    assert [bool(row["chosen"]) for row in found["tried"]] == [
        False,
        True,
        False,
        False,
    ]
    # Whatever 16 of the 20 positives of a are fitted: b's threshold is the same.
    assert as_it_is["accuracy"] == pytest.approx(66 / 80)
    assert first["accuracy"] == pytest.approx(56 / 80)
    text = mitigation_record.describe(found)
    assert "NOT_BLESSED, conditions not kept: equal" in text
    assert text.count(": BLESSED") == 1


def test_what_it_cost_and_who_gains_is_told(mended):
    _, found = mended
    all_of_it, gains, *pays, needs = found["sentences"]
    # 18 of 20 negatives of b are taken for positives now; 10 more of 40 are wrong.
    assert [line[: line.index(" %")] for line in pays] == [
        "Pays: side=b, true negative rate 90.0",
        "Pays: side=b, accuracy 75.0",
    ]
    assert needs.startswith("Needs: the mended student is given the side of everyone")
    assert all_of_it.startswith("All: accuracy 82.5 % -> 70.0 % (-12.5 points, ")
    gain = "Gains: side=b, true positive rate 60.0 % -> 100.0 % (+40.0 points, "
    assert gains.startswith(gain)


def test_the_table_has_every_group_and_rate(mended):
    workdir, found = mended
    changed = effects.changes(
        *effects.before_and_after(workdir, read_study(workdir), found)
    )
    rows = {(c.group, c.rate): c for c in changed}
    b = rows["b", "accuracy"]
    # 8 positives are found, 18 negatives are taken for positives.
    assert (b.now_right, b.now_wrong) == (8, 18)
    assert rows["b", "true_negative_rate"].before.value == pytest.approx(18 / 20)
    assert rows["b", "true_negative_rate"].after.value == 0
    assert rows["b", "selection_rate"].before.value == pytest.approx(14 / 40)
    assert rows["b", "selection_rate"].after.value == 1
    assert rows["a", "accuracy"].change.value == 0
    assert rows["a", "accuracy"].effect == ""
    assert {c.group for c in changed} == {"", "a", "b"}


def test_the_report_has_the_page(mended):
    workdir, _ = mended
    write_report(workdir)
    html = (pathlib.Path(workdir) / "report.html").read_text()
    assert "What mending changed, and who pays for it" in html
    assert "Gains: side=b, true positive rate 60.0 %" in html
    table = (pathlib.Path(workdir) / "tables/mitigation_groups.csv").read_text()
    assert "side,b,true positive rate,20,0.600000," in table


def test_the_verdict_on_the_refused_one_knows_the_mended_one(mended):
    workdir, _ = mended
    (verdict,) = verdicts.read(workdir, read_study(workdir)).values()
    assert (verdict.run, verdict.mended, verdict.not_mended) == (RUN, MENDED, "")
    # 30 of 40 are right, and 20 afterwards.
    needs, *_, pays = verdict.who_pays
    assert needs.startswith("Needs: the mended student is given the side")
    assert pays.startswith("Pays: side=b, accuracy 75.0 % -> 50.0 %")


def test_a_second_call_does_nothing(mended, monkeypatch):
    workdir, found = mended
    for module in (gate, evaluate):
        monkeypatch.setattr(module, module.__name__.rpartition(".")[2], None)
    again = mitigation.mitigate(workdir, make_policy())
    assert again.pop("again")
    assert again["after"] == found["after"]


class Stopped(Exception):
    """What would take long has been reached."""


def stop(*args, **kwargs):
    raise Stopped


@pytest.mark.parametrize(
    ("options", "run", "gone"),
    [
        ({"min_examples": 2}, "", ""),
        ({}, RUN, ""),
        ({}, "", f"{MENDED}/blessing/BLESSED"),
        ({}, "", f"{MENDED}/run.json"),
    ],
    ids=["policy", "run", "verdict", "mended run"],
)
def test_what_has_changed_since_is_done_again(
    mended, tmp_path, monkeypatch, options, run, gone
):
    workdir = shutil.copytree(mended[0], tmp_path / "w")
    if gone:
        (workdir / gone).unlink()
    monkeypatch.setattr(gate, "gate", stop)
    with pytest.raises(Stopped):
        mitigation.mitigate(str(workdir), make_policy(options), run)


def test_a_damaged_mended_run_is_named(mended, tmp_path):
    workdir = shutil.copytree(mended[0], tmp_path / "w")
    path = workdir / MENDED / "run.json"
    path.write_text(path.read_text().replace("thresholds", "treshholds"))
    with pytest.raises(ValueError, match=r"run.json is not what was written"):
        mitigation.mitigate(str(workdir), make_policy())


def test_the_card_says_what_was_done(mended):
    workdir, _ = mended
    path = f"{workdir}/{MENDED}/export/1/model_card.json"
    card = files.read_json(path)["mitigation"]
    assert card["method"] == "GroupThresholds"
    assert card["reads_group"]
    assert card["attribute"] == "side"
    assert card["thresholds"] == {"a": 0.0, "b": "-inf"}


def test_the_card_keeps_the_method_that_the_student_was_trained_by(workdir):
    directory, config = run_dir(workdir, study.CANDIDATE), configs.read_config(workdir)
    record = run_record.read(workdir, study.CANDIDATE, config)
    method = {"method": "group_dro", "method_options": {"eta": 0.01}}
    taught = record | method | {"teacher": "f" * 64}
    run_record.write(directory, study.CANDIDATE, config, taught)
    floor = {"accuracy": 0.5}
    fitted = GroupThresholds(floor=floor, margin=0.0, min_examples=1).fit(
        np.arange(40) / 40, np.arange(40) > 20, np.tile(["a", "b"], 20)
    )
    run = mended_run.make(
        config, study.dataset(), workdir, study.CANDIDATE, "side", fitted
    )
    path = f"{run_dir(workdir, run)}/export/1/model_card.json"
    made = files.read_json(path)["distillation"]
    assert {name: made[name] for name in method} == method


def test_the_card_for_people_has_the_group_among_the_inputs(mended):
    workdir, _ = mended
    card = files.read_json(f"{workdir}/{MENDED}/export/1/model_card.json")
    assert card_files._group(card, study.SPEC) == [
        {
            "key": "group",
            "value": "int64, the side of the person or thing: 0 a, 1 b; -1 not known",
        }
    ]
    for other in ({}, {"mitigation": None}, {"mitigation": {"reads_group": False}}):
        assert card_files._group(other, study.SPEC) == []


def test_the_gate_pushes_the_mended_export(mended, tmp_path):
    workdir, _ = mended
    found = gate.gate(workdir, make_policy(), MENDED, str(tmp_path / "serving"))
    signature = tf.saved_model.load(found["pushed"]).signatures["serving_features"]
    x = tf.constant(-np.ones((3, 3), np.float32))
    answer = signature(x=x, group=tf.constant([0, 1, -1], tf.int64))["probabilities"]
    assert answer.numpy().argmax(-1).tolist() == [0, 1, 0]


def test_litert_has_the_decisions_of_the_mended_student(mended):
    workdir, _ = mended
    directory = quantization.directory(workdir, conversion.convert(workdir, MENDED))
    with np.load(f"{directory}/float32.npz") as arrays:
        predicted = arrays["probabilities"].argmax(-1)
    columns = study.columns()
    expected = (columns["x"][:, 2] > 0) | (columns["side"] == 1)
    np.testing.assert_array_equal(predicted, expected)


def test_a_mended_student_of_another_run_is_refused(mended, tmp_path):
    workdir = str(shutil.copytree(mended[0], tmp_path / "w"))
    directory = run_dir(workdir, study.CANDIDATE)
    record = sealed.read(f"{directory}/run.json", "")
    pathlib.Path(directory, "history.csv").write_text("trained again\n")
    about = {k: record[k] for k in ("val_accuracy", "seconds", "epochs", "parameters")}
    run_record.write(directory, study.CANDIDATE, configs.read_config(workdir), about)
    with pytest.raises(ValueError, match=r"made from another version of student-t04"):
        gate.gate(workdir, make_policy(), MENDED)


def test_nothing_half_written_is_visible(workdir, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(mended_run, "save_model", fail)
    with pytest.raises(OSError, match="disk full"):
        mitigation.mitigate(workdir, make_policy())
    assert not files.exists(f"{workdir}/{MENDED}")
    assert not files.exists(f"{workdir}/{effects.RECORD}")


def test_nothing_is_taken_that_keeps_no_more(workdir):
    policy = make_policy(accuracy={**ACCURACY, "at_least": 0.8})
    found = mitigation.mitigate(workdir, policy)
    assert not found["blessed"]
    assert found["after"] is None
    assert found["reason"].startswith("none of 3 ways keeps more conditions on")
    assert "there the accuracy is 70.0 %" in found["reason"]
    assert found["test_looks"] == 0
    assert not files.exists(f"{workdir}/{MENDED}")
    (verdict,) = verdicts.read(workdir, read_study(workdir)).values()
    assert verdict.mended == ""
    # What came closest is said in a section of its own.
    assert verdict.not_mended == (
        "none of 3 ways keeps more conditions on validation data than the student as "
        "it is; not kept are equal"
    )
    # Another policy's verdict says nothing of it.
    gate.gate(workdir, make_policy(accuracy={**ACCURACY, "at_least": 0.9}))
    (verdict,) = verdicts.read(workdir, read_study(workdir)).values()
    assert verdict.not_mended == ""


def test_groups_that_are_too_small_are_named(workdir):
    found = mitigation.mitigate(workdir, make_policy({"min_examples": 21}))
    assert found["reason"] == (
        "no thresholds could be fitted: `groups` must have at least 2 groups with 21 "
        "or more examples that count. Received: {'a': 20, 'b': 20}. Choose another "
        "attribute, collect more examples or lower min_examples."
    )


def test_a_blessed_student_is_not_mended(workdir):
    found = mitigation.mitigate(workdir, make_policy(equal={**EQUAL, "at_most": 0.4}))
    assert found["blessed"]
    assert (found["run"], found["test_looks"]) == (RUN, 0)
    assert mitigation_record.describe(found).endswith("nothing to mend")
    assert not files.exists(f"{workdir}/{effects.RECORD}")


def test_the_main_says_it_was_done_and_what_comes_next(mended, monkeypatch, capsys):
    workdir, _ = mended
    code, out, _ = policy_main.run(
        monkeypatch, capsys, mitigate_main, workdir, make_policy()
    )
    assert not code
    assert out.startswith("done before: nothing has changed since\n")
    assert f"--run={MENDED} --push={workdir}/serving" in out


def test_the_main_ends_with_2_where_nothing_helps(workdir, monkeypatch, capsys):
    policy = make_policy(accuracy={**ACCURACY, "at_least": 0.8})
    code, out, _ = policy_main.run(monkeypatch, capsys, mitigate_main, workdir, policy)
    assert code == 2
    assert f"{RUN} stays NOT_BLESSED: none of 3 ways" in out
    assert "report.html" in out


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({"margin": -1.0}, (), "--policy.mitigation: `margin` must be a number of st"),
        ({"min_examples": 0}, (), "--policy.mitigation: `min_examples` must be at le"),
        ({"margins": 1}, (), "--policy.mitigation must be one of ['methods', 'margin'"),
        ({"methods": "x"}, (), "--policy.mitigation.methods must be of ['thresholds'"),
        ({}, (f"--run={MENDED}",), "--run must be a student as it was trained. Recei"),
        ({}, ("--run=student-t99/seed0",), "--run must be one of the finished studen"),
    ],
    ids=["margin", "min examples", "field", "method", "mended", "run"],
)
def test_bad_input_is_one_line(
    workdir, monkeypatch, capsys, options, arguments, message
):
    code, out, _ = policy_main.run(
        monkeypatch, capsys, mitigate_main, workdir, make_policy(options), *arguments
    )
    assert code.startswith(f"error: {message}")
    assert "\n" not in code
    assert not out


def test_a_bound_below_0_is_held_as_0(workdir):
    # The gap of nds is .1: less by .5 there is none.
    equal = {**EQUAL, "against": "nds", "at_most": -0.5}
    found = mitigation.mitigate(workdir, make_policy(equal=equal))
    assert not found["blessed"]
    assert found["tried"][1]["method"].startswith(
        "thresholds by side: equal opportunity difference at most 0,"
    )


def test_without_groups_it_is_refused(workdir, monkeypatch):
    spec = study.dataset().spec
    no_groups = Dataset(type(spec)(**{**vars(spec), "groups": {}}), {})
    monkeypatch.setattr(configs, "load_dataset", lambda config: no_groups)
    policy = make_policy(accuracy={**ACCURACY, "at_least": 0.9})
    del policy.conditions.equal
    policy.selection.metric = "ece"
    with pytest.raises(ValueError, match=r"study with sensitive attributes.*none\."):
        mitigation.mitigate(workdir, policy)


def test_without_validation_data_it_is_refused(workdir, monkeypatch):
    def without(workdir):
        study = read_study(workdir)
        truth = {"test": study.truth["test"]}
        return dataclasses.replace(study, truth=truth)

    monkeypatch.setattr(mitigation, "read_study", without)
    with pytest.raises(ValueError, match=r"predictions of a validation split.*none\."):
        mitigation.mitigate(workdir, make_policy())


BOTH = {"methods": ("thresholds", "balanced")}
# 66 of 80 are right, and fewer with other thresholds: no ones keep it.
MORE_ACCURATE = {**ACCURACY, "at_least": 0.84}


@pytest.mark.parametrize(
    ("options", "conditions"),
    [
        # Thresholds keep one condition more, and not both.
        ({}, {"accuracy": MORE_ACCURATE}),
        # Thresholds keep no more: the accuracy, which is kept, would be lost.
        ({}, {"accuracy": {**ACCURACY, "at_least": 0.8}}),
        # There are none.
        ({"min_examples": 21}, {}),
    ],
    ids=["one of two", "another one", "none"],
)
def test_where_thresholds_do_not_keep_all_the_student_is_trained_again(
    workdir, options, conditions
):
    asked = []

    def train(runs, options):
        asked.append(([run.directory for run in runs], options))
        raise Stopped

    with pytest.raises(Stopped):
        mitigation.mitigate(
            workdir, make_policy({**BOTH, **options}, **conditions), train=train
        )
    assert asked == [(["student-t04-balanced/seed0"], {})]


def test_a_student_that_validation_data_do_not_refuse_is_trained_again(workdir):
    # On validation data it answers as the teacher, with equal rates, but no thresholds
    # can be fitted.
    directory = run_dir(workdir, study.CANDIDATE)
    teacher = run_dir(workdir, study.RUNS[0])
    for_validation = "predictions/validation.npz"
    shutil.copy(f"{teacher}/{for_validation}", f"{directory}/{for_validation}")
    record = sealed.read(f"{directory}/run.json", "")
    about = {k: record[k] for k in ("val_accuracy", "seconds", "epochs", "parameters")}
    run_record.write(directory, study.CANDIDATE, configs.read_config(workdir), about)
    policy = make_policy({**BOTH, "min_examples": 21})
    with pytest.raises(Stopped):
        mitigation.mitigate(workdir, policy, train=stop)


def test_where_thresholds_keep_all_nothing_is_trained(workdir, monkeypatch):
    confirmed = []

    def confirm(workdir, policy, chosen, where):
        confirmed.append(chosen)
        raise Stopped

    def train(runs, options):
        raise AssertionError("trained")

    monkeypatch.setattr(mitigation, "_confirm", confirm)
    with pytest.raises(Stopped):
        mitigation.mitigate(workdir, make_policy(BOTH), train=train)
    assert confirmed[0].remedy.at_most == 0.15


def test_training_is_to_keep_what_the_gate_refused(workdir, monkeypatch):
    def plan(config, base, names, to_keep):
        assert (base, names) == (study.CANDIDATE, ("balanced",))
        assert [condition.name for condition in to_keep] == ["equal"]
        raise Stopped

    monkeypatch.setattr(mitigation.retraining, "plan", plan)
    with pytest.raises(Stopped):
        mitigation.mitigate(workdir, make_policy(BOTH), train=stop)


def test_where_nothing_can_be_trained_no_method_that_trains_may_be_named(workdir):
    with pytest.raises(ValueError, match=r"must be of \['thresholds'\].*'balanced'"):
        mitigation.mitigate(workdir, make_policy(BOTH))
