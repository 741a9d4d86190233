"""What trackers get: params, curves, gaps and files of each run, and the report."""

import pytest
from report_workdir import record_run, write_pairs

from kd_keras import files
from pipelines.release import blessing, logged
from pipelines.studies import config as configs
from pipelines.studies import table_digests
from pipelines.studies.layout import DS, NDS, TEACHER, Run, run_dir

RUNS = """model,temperature,seed,attribute,metric,value,undefined
teacher,,0,,accuracy,0.750000,
ds,4,1,,accuracy,0.625000,
ds,4,1,side,eod,0.500000,
"""
STUDENT = Run(DS, 1, 4.0)


@pytest.fixture
def workdir(tmp_path) -> str:
    path = write_pairs(tmp_path / "w")
    for model, temperature in ((TEACHER, None), (NDS, None), (DS, 4.0)):
        for seed in (0, 1):
            run = Run(model, seed, temperature)
            history = f"epoch,loss,val_eod_side\n0,1.5,\n1,{seed}.5,0.25\n"
            files.write_text(f"{run_dir(path, run)}/history.csv", history)
            record_run(path, run)
    for name, content in (("runs", RUNS), ("groups", "a,b\n")):
        files.write_text(f"{path}/tables/{name}.csv", content)
    table_digests.write([f"{path}/tables/runs.csv", f"{path}/tables/groups.csv"])
    verdict = {"blessed": False, "run": STUDENT.directory}
    blessing.write(verdict, run_dir(path, STUDENT))
    return path


def read(workdir):
    return list(logged.read(workdir, configs.read_config(workdir)))


def test_each_run_and_the_report_is_one(workdir):
    found = read(workdir)
    assert [one.name for one in found] == [
        *("teacher seed 0", "teacher seed 1"),
        *("student nds seed 0", "student nds seed 1"),
        *("student T=4 seed 0", "student T=4 seed 1", "report"),
    ]
    assert len({one.key for one in found}) == 7
    # The same when it is logged again; another study's in another place.
    assert [one.key for one in read(workdir)] == [one.key for one in found]
    assert all(workdir in one.key for one in found)


def test_a_run_has_what_it_was_made_with_and_what_was_measured(workdir):
    found = {one.name: one for one in read(workdir)}
    student = found[STUDENT.title]
    about = ("model", "seed", "temperature", "parameters", "evaluation.split")
    assert [student.params[name] for name in about] == [DS, 1, 4.0, 61706, "test"]
    assert student.curves == [{"loss": 1.5}, {"loss": 1.5, "val_eod_side": 0.25}]
    assert found["student T=4 seed 0"].curves[1] == {"loss": 0.5, "val_eod_side": 0.25}
    assert student.results == {"accuracy_test": 0.625, "eod/side_test": 0.5}
    assert found["teacher seed 0"].results == {"accuracy_test": 0.75}
    assert found["student nds seed 1"].results == {}


def test_the_files_are_the_verdict_the_report_and_its_tables(workdir):
    kept = {one.name: list(one.files) for one in read(workdir)}
    assert kept["report"] == [
        f"{workdir}/{name}"
        for name in ("report.html", "tables/groups.csv", "tables/runs.csv")
    ]
    path = f"{run_dir(workdir, STUDENT)}/blessing/verdict.json"
    assert kept[STUDENT.title] == [path]
    assert kept["student T=4 seed 0"] == []
