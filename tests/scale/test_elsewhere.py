"""Data and models in a folder outside of the repository, through every main."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow
SCRIPT = pathlib.Path(__file__).with_name("elsewhere.py")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("elsewhere")
    subprocess.run(
        [sys.executable, SCRIPT, directory],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return directory, json.loads((directory / "codes.json").read_text())


def log(directory, name):
    return (directory / f"{name}.log").read_text()


def test_every_main_takes_it(made):
    directory, codes = made
    runs = codes.pop("tensorboard")
    distrusted = codes.pop("distrusted")
    shown = {name: log(directory, name) for name, code in codes.items() if code}
    assert shown == {}
    assert "student T=2 seed 0/train" in runs
    assert distrusted == 1


def test_two_workers_trained_it(made):
    said = log(made[0], "study")
    assert "2 workers; dashboard" in said
    assert "[3/3]" in said


def test_what_comes_next_is_told_with_its_folder_and_policy(made):
    directory = made[0]
    said = log(directory, "study")
    assert f"--module_path={directory / 'own'}" in said
    assert f"--policy={directory / 'own' / 'config_policy.py'}" in said


def test_the_own_metric_is_measured_over_the_epochs(made):
    path = made[0] / "study" / "student-t02" / "seed0" / "history.csv"
    columns = path.read_text().splitlines()[0].split(",")
    assert {"confidence", "val_confidence", "hidden"} <= set(columns)


def test_embeddings_are_what_goes_into_the_last_layer(made):
    with np.load(made[0] / "study" / "embeddings" / "test.npz") as found:
        # The teacher has 16 hidden units, and its last layer is not called "logits".
        assert found["values"].shape == (60, 16)


def test_a_config_json_alone_does_not_get_code_run(made):
    directory, _ = made
    (said,) = [x for x in log(directory, "distrusted").splitlines() if "error" in x]
    assert "'own_code_here:load'" in said
    assert "--module_path=FOLDER" in said


def test_config_json_says_where_the_code_was(made):
    directory, _ = made
    document = json.loads((directory / "study" / "config.json").read_text())
    assert document["module_path"] == [str((directory / "own").resolve())]
    assert document["config"]["dataset"]["name"] == "own_code_here:load"
