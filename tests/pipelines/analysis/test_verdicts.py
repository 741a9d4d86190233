"""The gate's verdicts as a report reads them, and the policies that they name."""

import pathlib

import pytest
from report_workdir import PAIRS, write_pairs

from pipelines.analysis import mitigation, policy_files, verdicts
from pipelines.analysis.results import Model, read_study
from pipelines.release import blessing
from pipelines.studies import sealed
from pipelines.studies.layout import DS

STUDENT = Model.named(DS, 4.0)


def judge(workdir: str, study, seed: int, blessed: bool, export: str = "", **more):
    result = study.models[STUDENT][seed]
    verdict = {
        "blessed": blessed,
        "conditions": [],
        "refuse": [],
        "run": result.run.directory,
        "policy": "p",
        "policy_file": "policies/p.py",
        "export_digest": export or result.info["export_digest"],
        **more,
    }
    blessing.write(verdict, f"{workdir}/{result.run.directory}")


def test_a_verdict_about_another_export_is_told_from_one_about_todays(tmp_path):
    workdir = write_pairs(tmp_path)
    study = read_study(workdir, PAIRS)
    assert verdicts.read(workdir, study) == {}
    judge(workdir, study, 0, blessed=True, export="0" * 64)
    (found,) = verdicts.read(workdir, study).values()
    assert (found.run, found.outdated) == ("student-t04/seed0", True)
    assert found.policy_file == "policies/p.py"
    # One about today's export comes first, also of a later seed.
    judge(workdir, study, 1, blessed=False)
    found = verdicts.read(workdir, study)[STUDENT]
    assert (found.run, found.outdated) == ("student-t04/seed1", False)
    judge(workdir, study, 0, blessed=True)
    found = verdicts.read(workdir, study)[STUDENT]
    assert (found.run, found.outdated) == ("student-t04/seed0", False)


def test_what_is_not_kept_and_whether_examples_are_lacking(tmp_path):
    workdir = write_pairs(tmp_path)
    study = read_study(workdir, PAIRS)
    statuses = {"a": "passed", "b": "undecided", "c": "failed"}
    conditions = [{"name": name, "status": s} for name, s in statuses.items()]
    about = {"conditions": conditions, "refuse": ["undecided", "insufficient evidence"]}
    for blessed, broken, lacking in (
        (False, {"broken": []}, True),
        (False, {"broken": ["b"]}, False),
        (True, {"broken": []}, False),
        # As it was written before it said what is broken.
        (False, {}, False),
    ):
        judge(workdir, study, 0, blessed, **about, **broken)
        found = verdicts.read(workdir, study)[STUDENT]
        assert (found.blessed, found.broken) == (blessed, ("b (undecided)",))
        assert found.tolerated == (("b (undecided)", "c (failed)") if blessed else ())
        assert found.lacks_examples is lacking


def test_a_mitigation_is_told_of_the_verdict_that_it_began_with(tmp_path):
    workdir = write_pairs(tmp_path)
    study = read_study(workdir, PAIRS)
    judge(workdir, study, 0, blessed=False)
    run, base = "student-t04/seed1", "student-t04/seed0"
    before = sealed.read(f"{workdir}/{base}/blessing/verdict.json", "")
    digest = study.models[STUDENT][1].info["export_digest"]
    document = {"run": run, "base": base, "export_digest": digest, "reason": "in vain"}
    document["sentences"] = ["All: a.", "Gains: b.", "Pays: c."]
    for blessed, changed, told in (
        (True, {}, (run, "")),
        (False, {}, ("", "in vain")),
        (True, {"policy": "q"}, ("", "")),
        (True, {"conditions": ["another"]}, ("", "")),
        (False, {"export_digest": "0" * 64}, ("", "")),
    ):
        tried = [{"run": base}, {"run": run if changed else base}]
        began = {"before": before | changed, "blessed": blessed, "tried": tried}
        kept = {"name": "a", "status": "passed"}, {"name": "b", "status": "failed"}
        began |= {"after": {"blessed": True, "conditions": kept}} if blessed else {}
        sealed.write(mitigation.record_path(workdir), document | began)
        found = verdicts.read(workdir, study)[STUDENT]
        assert (found.mended, found.not_mended) == told
        assert found.who_pays == (("Pays: c.",) if found.mended else ())
        assert found.tolerated == (("b (failed)",) if found.mended else ())
        assert not found.trained
    began["blessed"] = False
    for last, trained in ((base, False), ("student-t04-balanced/seed0", True)):
        tried = {"before": before, "tried": [{"run": base}, {"run": last}]}
        sealed.write(mitigation.record_path(workdir), document | began | tried)
        assert verdicts.read(workdir, study)[STUDENT].trained is trained


@pytest.mark.parametrize("name", ["demo", "adult"])
def test_a_policy_of_the_study_s_name_is_a_file_that_is_there(name):
    found = policy_files.of_study({"name": name})
    assert found == (f"configs/policies/{name}.py", "")
    assert pathlib.Path(found.path).is_file()


def test_what_is_not_there_is_named_with_what_to_do():
    dataset = {"name": "table", "path": "mine/loans.csv"}
    table = {"name": "loans", "dataset": dataset}
    assert policy_files.of_study(table).path == "mine/loans_policy.py"
    assert "beside the config" in policy_files.of_study(table).advice
    own = policy_files.of_study({"name": "../own", "dataset": {"name": "shapes"}})
    assert "copy configs/policies/demo.py" in own.advice
    # The gate's own path comes before a name; a name that has a file, before advice.
    # A verdict names a file of another folder without its folder.
    beside = policy_files.of_verdict("p", "loans_policy.py", table)
    assert beside.path == "mine/loans_policy.py"
    assert policy_files.of_verdict("demo", "x/p.py", table) == ("x/p.py", "")
    assert policy_files.of_verdict("demo", "", table).path == policy_files.EXAMPLE
    assert policy_files.of_verdict("p", "", table).path == "mine/loans_policy.py"


def judged_once(tmp_path):
    """A study with one verdict: its workdir, the study, the verdict's path, and it."""
    workdir = write_pairs(tmp_path)
    study = read_study(workdir, PAIRS)
    judge(workdir, study, 0, blessed=True)
    path = f"{workdir}/student-t04/seed0/blessing/verdict.json"
    return workdir, study, path, sealed.read(path, "")


def test_a_verdict_without_a_field_is_refused(tmp_path):
    workdir, study, path, content = judged_once(tmp_path)
    for field in ("run", "policy", "export_digest", "conditions", "blessed", "refuse"):
        sealed.write(path, {k: v for k, v in content.items() if k != field})
        message = rf"has no '{field}': an older version wrote it.*pipelines.gate"
        with pytest.raises(ValueError, match=message):
            verdicts.read(workdir, study)


def test_a_verdict_without_the_policys_file_is_of_its_name(tmp_path):
    workdir, study, path, content = judged_once(tmp_path)
    del content["policy_file"]
    sealed.write(path, content)
    found = verdicts.read(workdir, study)[STUDENT]
    assert (found.policy, found.policy_file, found.blessed) == ("p", "", True)


def test_two_verdicts_about_another_export_are_the_first_ones(tmp_path):
    workdir = write_pairs(tmp_path)
    study = read_study(workdir, PAIRS)
    for seed in (0, 1):
        judge(workdir, study, seed, blessed=bool(seed), export="0" * 64)
    found = verdicts.read(workdir, study)[STUDENT]
    assert (found.run, found.blessed) == ("student-t04/seed0", False)


@pytest.mark.parametrize(
    ("config", "path", "advice"),
    [
        ({}, "configs/policies/mine.py", "Write configs/policies/mine.py first: "),
        (
            {"name": "own"},
            "configs/policies/own.py",
            "Write configs/policies/own.py first: copy configs/policies/demo.py",
        ),
        (
            {"name": "own", "dataset": {"name": "table", "path": "loans.csv"}},
            "own_policy.py",
            "pipelines.new wrote own_policy.py beside the config.",
        ),
        (
            {"name": "own", "dataset": {"name": "table", "path": "/a/b/loans.csv"}},
            "/a/b/own_policy.py",
            "pipelines.new wrote /a/b/own_policy.py beside the config.",
        ),
        # A text that is no name of a module has no file.
        (
            {"name": "../policies/demo"},
            "configs/policies/../policies/demo.py",
            "Write configs/policies/../policies/demo.py first: ",
        ),
    ],
)
def test_a_policy_that_has_to_be_written(config, path, advice):
    found = policy_files.of_study(config)
    assert found.path == path
    assert found.advice.startswith(advice)


@pytest.mark.parametrize(
    ("name", "path", "found"),
    [
        ("p", "x/p.py", ("x/p.py", "")),
        ("demo", "", ("configs/policies/demo.py", "")),
        # Only its own name says where a file of another folder is.
        ("p", "adult.py", ("configs/policies/adult.py", "")),
    ],
)
def test_the_policy_that_a_verdict_is_of(name, path, found):
    assert policy_files.of_verdict(name, path, {"name": "adult"}) == found


def test_a_policy_of_another_name_beside_the_table_keeps_its_folder(tmp_path):
    table = {"name": "table", "path": f"{tmp_path}/loans.csv"}
    config = {"name": "loans", "dataset": table}
    for name in ("strict.py", "far/strict.py"):
        assert policy_files.of_verdict("loans", name, config) == (name, "")
    (tmp_path / "strict.py").touch()
    found = policy_files.of_verdict("loans", "strict.py", config)
    assert found == (f"{tmp_path}/strict.py", "")
