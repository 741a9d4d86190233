"""What MLflow is called with; test_tracking.py reads a real store, if there is one."""

import importlib
import itertools
import sys
import types
from typing import Any, NamedTuple

import pytest

from pipelines.release.logged import Logged

MODULE = "pipelines.release.trackers.to_mlflow"


class Metric(NamedTuple):
    key: str
    value: float
    timestamp: int
    step: int


class Param(NamedTuple):
    key: str
    value: str


class RunTag(NamedTuple):
    key: str
    value: str


class Client:
    """MLflow's client in memory, with the limits of a batch that MLflow has."""

    runs: dict[str, dict[str, Any]]
    experiments: dict[str, str]
    numbers = itertools.count()
    tracking_uri = "memory"

    def get_experiment_by_name(self, name):
        number = self.experiments.get(name)
        return number and types.SimpleNamespace(experiment_id=number)

    def create_experiment(self, name):
        self.experiments[name] = f"e{len(self.experiments)}"
        return self.experiments[name]

    def search_runs(self, experiments, query):
        key, value = query.removeprefix("tags.").split(" = ")
        assert value.startswith("'")
        assert value.endswith("'")
        return [
            types.SimpleNamespace(info=types.SimpleNamespace(run_id=number))
            for number, run in list(self.runs.items())
            if run["experiment"] in experiments and run["tags"].get(key) == value[1:-1]
        ]

    def delete_run(self, number):
        del self.runs[number]

    def create_run(self, experiment, run_name=None):
        number = f"r{next(self.numbers)}"
        self.runs[number] = {
            **{"experiment": experiment, "name": run_name, "ended": False},
            **{"tags": {}, "params": {}, "metrics": [], "files": []},
        }
        info = types.SimpleNamespace(run_id=number, start_time=7)
        return types.SimpleNamespace(info=info)

    def log_batch(self, number, metrics=(), params=(), tags=()):
        assert len(params) <= 100
        assert len(metrics) <= 1000
        self.runs[number]["metrics"] += metrics
        self.runs[number]["params"] |= dict(params)
        self.runs[number]["tags"] |= dict(tags)

    def log_artifact(self, number, path):
        self.runs[number]["files"].append(path)

    def set_terminated(self, number):
        self.runs[number]["ended"] = True


@pytest.fixture
def to_mlflow(monkeypatch):
    """The tracker, on an MLflow in memory."""
    monkeypatch.setattr(Client, "runs", {}, raising=False)
    monkeypatch.setattr(Client, "experiments", {}, raising=False)
    entities = types.SimpleNamespace(Metric=Metric, Param=Param, RunTag=RunTag)
    package = types.SimpleNamespace(MlflowClient=Client, entities=entities)
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    sys.modules.pop(MODULE, None)
    yield importlib.import_module(MODULE)
    del sys.modules[MODULE]


def logged(name, key, **of):
    fields = {"params": {}, "curves": [], "results": {}, "files": []}
    return Logged(name, key, **{**fields, **of})


def test_a_run_has_its_name_its_curves_and_its_results(to_mlflow):
    one = logged(
        "T=4 seed 0",
        "study run",
        params={"model": "ds", "temperature": 4.0},
        curves=[{"loss": 1.5}, {"loss": 0.5, "accuracy": 0.25}],
        results={"eod/side_test": 0.5},
        files=["a.json", "b.html"],
    )
    assert to_mlflow.write("my study", [one]) == "memory"
    assert Client.experiments == {"my study": "e0"}
    (run,) = Client.runs.values()
    assert run == {
        **{"experiment": "e0", "name": "T=4 seed 0", "ended": True},
        "tags": {"kd_keras": "study run"},
        "params": {"model": "ds", "temperature": "4.0"},
        "metrics": [
            Metric("loss", 1.5, 7, 0),
            Metric("loss", 0.5, 7, 1),
            Metric("accuracy", 0.25, 7, 1),
            Metric("eod/side_test", 0.5, 7, 0),
        ],
        "files": ["a.json", "b.html"],
    }


def test_a_run_takes_the_place_of_its_earlier_one_alone(to_mlflow):
    for key in ("it's one\\of two", "another"):
        to_mlflow.write("study", [logged(key, key)])
    to_mlflow.write("study", [logged("again", "it's one\\of two")])
    # A quote or a backslash would end the text of MLflow's query.
    assert {run["name"]: run["tags"] for run in Client.runs.values()} == {
        "another": {"kd_keras": "another"},
        "again": {"kd_keras": "it_s one_of two"},
    }
    assert Client.experiments == {"study": "e0"}


def test_what_is_long_is_written_in_parts_and_complete(to_mlflow):
    params = {f"p{i}": i for i in range(250)} | {"long": "x" * 499 + "yz"}
    curves = [{"loss": float(i), "accuracy": 0.0} for i in range(1100)]
    to_mlflow.write("study", [logged("one", "one", params=params, curves=curves)])
    (run,) = Client.runs.values()
    expected = {f"p{i}": str(i) for i in range(250)}
    # MLflow takes texts of 500 characters.
    assert run["params"] == expected | {"long": "x" * 499 + "y"}
    losses = [point for point in run["metrics"] if point.key == "loss"]
    assert [(point.step, point.value) for point in losses] == [
        (i, float(i)) for i in range(1100)
    ]
    assert len(run["metrics"]) == 2200
