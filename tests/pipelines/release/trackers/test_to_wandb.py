"""What Weights & Biases is called with; test_tracking.py reads a real store."""

import hashlib
import importlib
import sys
import types

import pytest

from pipelines.release.logged import Logged

MODULE = "pipelines.release.trackers.to_wandb"


class Run:
    """A run of Weights & Biases, in memory."""

    def __init__(self, about):
        self.about, self.history, self.summary = about, [], {}
        self.artifacts, self.finished = [], False

    def log(self, values, step=None):
        self.history.append((step, values))

    def log_artifact(self, artifact):
        self.artifacts.append(artifact)

    def finish(self):
        self.finished = True


class Artifact:
    def __init__(self, name, type):
        self.name, self.type, self.files = name, type, []

    def add_file(self, path):
        self.files.append(path)


@pytest.fixture
def to_wandb(monkeypatch):
    """The tracker, and the runs that it makes."""
    made = []

    def init(**about):
        made.append(Run(about))
        return made[-1]

    package = types.SimpleNamespace(init=init, Artifact=Artifact)
    monkeypatch.setitem(sys.modules, "wandb", package)
    sys.modules.pop(MODULE, None)
    yield importlib.import_module(MODULE), made
    del sys.modules[MODULE]


def test_a_run_has_its_name_its_curves_and_its_results(to_wandb):
    tracker, made = to_wandb
    student = Logged(
        name="T=4 seed 0",
        key="study run",
        params={"model": "ds", "temperature": 4.0},
        curves=[{"loss": 1.5}, {"loss": 0.5, "accuracy": 0.25}],
        results={"eod/side_test": 0.5},
        files=["a.json", "b.html"],
    )
    report = Logged("report", "study report", {}, [], {}, [])
    assert tracker.write("my study", [student, report]) == "project my study"
    first, second = made
    # Of a key always the same, so that a run takes the place of its earlier one.
    number = hashlib.sha256(b"study run").hexdigest()[:16]
    assert first.about == {
        **{"project": "my study", "name": "T=4 seed 0", "id": number},
        "config": {"model": "ds", "temperature": 4.0},
    }
    expected = [(0, {"loss": 1.5}), (1, {"loss": 0.5, "accuracy": 0.25})]
    assert first.history == expected
    assert first.summary == {"eod/side_test": 0.5}
    (artifact,) = first.artifacts
    assert (artifact.name, artifact.type) == (f"{number}-files", "report")
    assert artifact.files == ["a.json", "b.html"]
    # Without files there is nothing to keep.
    assert (second.about["name"], second.artifacts) == ("report", [])
    assert first.finished
    assert second.finished
