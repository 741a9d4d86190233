"""A study in MLflow's and Weights & Biases' own stores, read by their own means."""

import json
import struct
import sys
import types

import pytest
from report_workdir import record_run, write_pairs

from kd_keras import files
from pipelines.release import blessing, tracking
from pipelines.studies import table_digests
from pipelines.studies.layout import DS, NDS, TEACHER, Run, run_dir

RUNS = """model,temperature,seed,attribute,metric,value,undefined
teacher,,0,,accuracy,0.750000,
ds,4,1,,accuracy,0.625000,
ds,4,1,side,eod,0.500000,
"""
STUDENT = Run(DS, 1, 4.0)
MODELS = ((TEACHER, None), (NDS, None), (DS, 4.0))


@pytest.fixture
def workdir(tmp_path) -> str:
    path = write_pairs(tmp_path / "w")
    for run in (Run(m, seed, t) for m, t in MODELS for seed in (0, 1)):
        history = "epoch,loss,val_eod_side\n0,1.5,\n1,0.5,0.25\n"
        files.write_text(f"{run_dir(path, run)}/history.csv", history)
        record_run(path, run)
    files.write_text(f"{path}/tables/runs.csv", RUNS)
    table_digests.write([f"{path}/tables/runs.csv"])
    files.write_text(f"{path}/report.html", "<p>report</p>")
    verdict = {"blessed": False, "run": STUDENT.directory}
    blessing.write(verdict, run_dir(path, STUDENT))
    return path


def test_mlflow_has_params_curves_gaps_report_and_verdict(
    workdir, tmp_path, monkeypatch
):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tracking.log(workdir, ["mlflow"])
    tracking.log(workdir, ["mlflow"])  # Takes the place of the first.
    client = mlflow.MlflowClient()
    place = client.get_experiment_by_name("pairs_study").experiment_id
    found = {run.info.run_name: run for run in client.search_runs([place])}
    assert len(found) == len(client.search_runs([place])) == 7
    student = found[STUDENT.title]
    params = student.data.params
    assert (params["temperature"], params["seed"], params["model"]) == ("4.0", "1", DS)
    assert params["evaluation.split"] == "test"
    assert student.data.metrics["eod/side_test"] == 0.5
    curve = client.get_metric_history(student.info.run_id, "loss")
    assert [(point.step, point.value) for point in curve] == [(0, 1.5), (1, 0.5)]
    kept = [file.path for file in client.list_artifacts(student.info.run_id)]
    assert kept == ["verdict.json"]
    kept = [f.path for f in client.list_artifacts(found["report"].info.run_id)]
    assert kept == ["report.html", "runs.csv"]


def test_wandb_takes_it_offline(workdir, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="Weights & Biases is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    tracking.log(workdir, ["wandb"])
    stored = sorted((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(stored) == 7
    records = [record for path in stored for record in _records(path)]
    summary = {
        item.nested_key[0] if item.nested_key else item.key: json.loads(item.value_json)
        for record in records
        for item in record.summary.update
    }
    assert summary["eod/side_test"] == 0.5
    names = {r.run.display_name for r in records if r.HasField("run")}
    assert {STUDENT.title, "report"} <= names
    rows = [
        {
            i.nested_key[0] if i.nested_key else i.key: i.value_json
            for i in r.history.item
        }
        for r in records
        if r.history.item
    ]
    assert sum(row.get("loss") == "1.5" for row in rows) == 6  # One for each run.
    kept = {e.path for r in records for e in r.artifact.manifest.contents}
    assert kept >= {"report.html", "verdict.json"}


def _records(path):
    """The records of a store: LevelDB's log format after a header of seven bytes."""
    from wandb.proto import wandb_internal_pb2

    content, place, parts = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768  # Of the block.
        if left < 7:
            place += left
            continue
        size, kind = struct.unpack("<HB", content[place + 4 : place + 7])
        parts += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # A whole record, or the last part of one.
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def test_a_tracker_gets_the_studys_name_and_all_that_is_logged(
    workdir, monkeypatch, capsys
):
    got = []

    def write(experiment, found):
        got.append((experiment, [one.name for one in found]))
        return "its store"

    name = "pipelines.release.trackers.to_mlflow"
    monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(write=write))
    tracking.log(workdir, ["mlflow"])
    ((experiment, names),) = got
    assert experiment == "pairs_study"
    assert (len(names), names[-2:]) == (7, [STUDENT.title, "report"])
    assert capsys.readouterr().out == "logged:      7 runs to mlflow, its store\n"


def test_an_unknown_or_missing_tracker_is_said_before_all(monkeypatch):
    with pytest.raises(ValueError, match=r"\['mlflow', 'wandb'\]. Received: 'comet'"):
        tracking.require(["comet"])
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs the package wandb, which is not"):
        tracking.require(["wandb"])
    tracking.require([])
