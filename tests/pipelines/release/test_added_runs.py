"""Which runs are trained because a mitigation asks for them."""

import contextlib

import ml_collections
import pytest
import study_config

from kd_keras import files
from pipelines.release import added_runs
from pipelines.studies import run_record
from pipelines.studies.layout import DS, Run, run_dir

DONE, BEGUN = Run(DS, 0, 4.0), Run(DS, 1, 4.0)
NEW = Run(DS, 0, 4.0, "balanced_age")
OPTIONS = {"balanced_age": {"method": "balanced", "attribute": "age"}}


class Training:
    """In place of the training: keeps what it gets, and in which order."""

    def __init__(self, held):
        self.order = []
        held.callback(self.order.append, "workdir released")

    def train(self, config, workdir, *, only=()):
        self.order.append("trained")
        self.config, self.workdir, self.only = config, workdir, list(only)
        again = contextlib.ExitStack()
        again.callback(self.order.append, "released again")
        return again


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Adds runs to a study of two seeds, of which one is finished."""
    workdir = str(tmp_path / "w")

    def of(runs, **changes):
        config = ml_collections.ConfigDict(
            {**study_config.made_up("made_up", [0, 1], [4.0]), **changes}
        )
        about = {"val_accuracy": 0.8, "seconds": 1.0, "epochs": 1, "parameters": 6}
        run_record.write(run_dir(workdir, DONE), DONE, config, about)
        files.write_text(f"{run_dir(workdir, BEGUN)}/history.csv", "epoch\n")
        with contextlib.ExitStack() as held:
            training = Training(held)
            monkeypatch.setattr(added_runs, "train_study", training.train)
            monkeypatch.setattr(
                added_runs, "evaluate", lambda of: training.order.append(("all", of))
            )
            added_runs.make(config, workdir, held, runs, OPTIONS)
        return training

    of.workdir = workdir
    return of


def test_what_is_not_finished_is_trained_and_nothing_else(make):
    found = make([DONE, BEGUN, NEW])
    assert found.only == [BEGUN, NEW]
    assert found.workdir == make.workdir
    # Training holds the working directory itself, and it is held until all is done.
    told = ["workdir released", "trained", ("all", make.workdir), "released again"]
    assert found.order == told
    directories = [BEGUN.directory, NEW.directory]
    assert found.config.added_runs.to_dict() == {"mitigate": directories}
    assert found.config.method_options.to_dict() == OPTIONS
    assert found.config.is_locked


def test_a_run_that_is_no_one_of_the_study_is_added_though_it_is_there(make):
    about = {"val_accuracy": 0.8, "seconds": 1.0, "epochs": 1, "parameters": 6}
    config = study_config.made_up("made_up", [0, 1], [4.0])
    run_record.write(run_dir(make.workdir, NEW), NEW, config, about)
    assert make([DONE, NEW]).only == [NEW]


def test_where_all_is_there_nothing_is_trained(make):
    assert make([DONE]).order == [("all", make.workdir), "workdir released"]


def test_processes_that_start_together_train_nothing_more(make):
    together = {"strategy": "multi_worker_mirrored"}
    with pytest.raises(ValueError, match=r"Received: \['balanced_age', 'plain'\]"):
        make([DONE, BEGUN, NEW], **together)
    assert make([DONE], **together).order[0] == ("all", make.workdir)
