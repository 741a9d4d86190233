"""A refused student is trained again where no thresholds can help it."""

import ml_collections
import policy_main
import pytest
import unseen_signal

from kd_keras import files
from pipelines import mitigate as mitigate_main
from pipelines import stages
from pipelines.analysis.results import read_study
from pipelines.evaluation.evaluate import evaluate
from pipelines.release import retraining
from pipelines.release.policy import Condition
from pipelines.studies import config as configs
from pipelines.studies import coordinator, layout, own_code, run_record
from pipelines.studies.layout import DS, NDS, Run
from pipelines.studies.study import train_study

PLAIN = Run(DS, 0, 4.0)
BALANCED = Run(DS, 0, 4.0, "balanced")


def policy(**options):
    return ml_collections.ConfigDict(
        {
            "name": "test",
            "level": 0.95,
            "replicates": 200,
            "refuse": ("failed", "undecided"),
            "selection": {"metric": "worst_group_accuracy", "tolerance": 0.2},
            "conditions": {
                "sides": {
                    "metric": "worst_group_accuracy",
                    "attribute": "side",
                    "at_least": 0.8,
                }
            },
            "mitigation": {"min_examples": 10, **options},
        }
    )


@pytest.fixture(scope="module")
def mended(tmp_path_factory):
    """The workdir of a study that was mended, and what came of it."""
    workdir = str(tmp_path_factory.mktemp("mended") / "w")
    own_code.admit(unseen_signal.config())
    unseen_signal.write_study(workdir)
    evaluate(workdir)
    asked = policy(methods=("thresholds", "balanced"))
    return workdir, stages.mitigate(workdir, policy=asked, run=PLAIN.directory)


def test_training_mends_what_thresholds_cannot(mended):
    _, found = mended
    (before,), (after,) = (found[key]["conditions"] for key in ("before", "after"))
    assert (before["value"], after["value"]) == (0.5, 1.0)
    assert found["blessed"]
    assert found["run"] == "student-t04-balanced/seed0"
    assert found["test_looks"] == 1
    *thresholds, trained = found["tried"][1:5]
    assert all(row["problem"] or row["failed"] for row in thresholds)
    assert trained["method"] == "trained by balanced"
    assert trained["chosen"]


def test_what_changed_is_told(mended):
    workdir, found = mended
    chosen = "chosen: trained by balanced (student-t04-balanced/seed0), all conditions"
    assert chosen in found["text"]
    assert "Gains: side=b, accuracy 50.0 % -> 100.0 % (+50.0 points" in found["text"]
    with open(f"{workdir}/report.html") as report:
        assert "trained by balanced" in report.read()


def test_the_study_says_which_run_was_added_and_by_whom(mended):
    workdir, _ = mended
    config = configs.read_config(workdir)
    assert config.methods == ["plain"]
    assert config.added_runs.to_dict() == {"mitigate": [BALANCED.directory]}
    assert layout.runs_of(config)[-1] == BALANCED
    study = read_study(workdir)
    assert study.planned == 4
    assert [m.title for m in study.distilled] == ["T=4", "T=4 balanced"]


def test_a_later_study_has_the_added_run_whatever_its_config(mended):
    workdir, _ = mended
    old = unseen_signal.config()
    with train_study(old, workdir):
        assert layout.runs_of(configs.read_config(workdir))[-1] == BALANCED
    more = unseen_signal.config()
    more.methods = ("plain", "balanced")
    with train_study(more, workdir):  # It is there already: nothing is trained.
        config = configs.read_config(workdir)
    assert layout.runs_of(config) == layout.runs_of(more)
    run_record.read(workdir, BALANCED, config)
    # Without its seed it has no teacher.
    without = {**configs.to_dict(config), "seeds": [1]}
    assert BALANCED not in layout.runs_of(without)


def test_nobody_else_may_make_the_study_meanwhile(mended, monkeypatch):
    workdir, _ = mended
    held = []

    def gate(*args, **kwargs):
        with pytest.raises(ValueError, match="is being made by process"):
            held.append(coordinator.alone(workdir).__enter__())
        raise ValueError("seen")

    monkeypatch.setattr("pipelines.release.gate.gate", gate)
    with pytest.raises(ValueError, match="seen"):
        stages.mitigate(workdir, policy=policy(margin=1.0))
    assert not held


def test_methods_are_for_the_attributes_that_are_refused():
    config = {
        "attributes": ["side", "native-country", ["side", "native-country"]],
        "method_options": {"dro": {"method": "group_dro", "eta": 0.1}},
    }
    conditions = [
        Condition(name, "worst_group_accuracy", attribute, at_least=0.5)
        for name, attribute in (
            ("country", "native-country"),
            ("side", "side"),
            ("both", ("side", "native-country")),
        )
    ]
    names = ("balanced", "dro", "ada_alpha")
    runs, options = retraining.plan(config, PLAIN, names, conditions)
    assert [run.directory for run in runs] == [
        "student-t04-balanced_native_country/seed0",
        "student-t04-balanced/seed0",
        "student-t04-dro_native_country/seed0",
        "student-t04-dro/seed0",
        "student-t04-ada_alpha/seed0",
    ]
    assert options == {
        "balanced_native_country": {
            "method": "balanced",
            "attribute": "native-country",
        },
        "dro_native_country": {
            "method": "group_dro",
            "eta": 0.1,
            "attribute": "native-country",
        },
    }
    runs, _ = retraining.plan(config, BALANCED, ("balanced",), [])
    assert runs == []


def test_a_student_without_a_teacher_is_not_trained_again():
    with pytest.raises(ValueError, match=r"--run must be a distilled .* 'student-nds/"):
        retraining.plan({"attributes": []}, Run(NDS, 0), ("balanced",), [])


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("balancd", r"must be of \['thresholds', 'ada_alpha', 'balanced'.*'balanced'"),
        ("plain_", r"must be of \['thresholds', 'ada_alpha', .*Did you mean 'plain'"),
    ],
)
def test_a_method_that_is_none_is_one_line(
    mended, monkeypatch, capsys, methods, message
):
    asked = policy(methods=methods)
    code, out, _ = policy_main.run(monkeypatch, capsys, mitigate_main, mended[0], asked)
    assert code.startswith("error: --policy.mitigation.methods ")
    assert "\n" not in code
    assert not out
    with pytest.raises(ValueError, match=message):
        stages.mitigate(mended[0], policy=asked)


def test_added_runs_that_are_none_are_refused(mended, tmp_path):
    config = unseen_signal.config()
    config.added_runs = {"mitigate": ["../../somewhere"]}
    with pytest.raises(ValueError, match=r"config\.added_runs must be directories of"):
        train_study(config, str(tmp_path / "w"))
    assert not files.exists(f"{tmp_path}/w/config.json")
