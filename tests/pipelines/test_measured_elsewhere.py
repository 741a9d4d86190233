"""Models of a study on other data, by the command, against Keras' own predictions."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import study_config

from kd_keras import datasets
from pipelines.studies import config as configs
from pipelines.studies import predictions, run_record, sealed
from pipelines.studies.layout import Run, run_dir

RUN = Run("nds", 3)
TRIFEATURE = {"image_size": 8, "split": "version", "versions": 3}
TRIFEATURE |= {"validation_fraction": 1 / 3, "test_fraction": 1 / 3}
CONFIG = """
from configs import trifeature_resnet20_lenet5

def get_config():
    config = trifeature_resnet20_lenet5.get_config()
    config.name = "fresh"
    for name, value in {options}.items():
        config.dataset[name] = value
    return config
"""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A study of one model, which nobody trained."""
    workdir = str(tmp_path_factory.mktemp("study"))
    config = study_config.made_up("tiny", (3,), (4.0,))
    config["dataset"].update(TRIFEATURE)
    sealed.write(f"{workdir}/config.json", {"config": config})
    config = configs.read_config(workdir)
    dataset = configs.load_dataset(config)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )
    directory = run_dir(workdir, RUN)
    os.makedirs(directory)
    model.save(f"{directory}/model.keras")
    with open(f"{directory}/history.csv", "w") as file:
        file.write("epoch,loss\n0,1.0\n")
    for split in predictions.SPLITS:
        predictions.write(directory, split, predictions.predict(model, dataset, split))
    run_record.write(directory, RUN, config, {})
    return workdir


def measured(tmp_path, workdir, **options):
    (tmp_path / "fresh.py").write_text(CONFIG.format(options=TRIFEATURE | options))
    return subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.measured_elsewhere"),
            *(f"--workdir={workdir}", f"--config={tmp_path}/fresh.py"),
            f"--output={tmp_path}/out",
        ],
        capture_output=True,
        text=True,
    )


def test_a_model_predicts_the_other_test_split(tmp_path, workdir):
    done = measured(tmp_path, workdir, seed=1)
    assert done.returncode == 0, done.stderr
    out = f"{tmp_path}/out"
    found = np.load(f"{run_dir(out, RUN)}/predictions/test.npz")
    fresh = datasets.load("trifeature", **TRIFEATURE, seed=1).splits["test"]
    test = next(fresh.batch(2000).as_numpy_iterator())
    model = keras.saving.load_model(f"{run_dir(workdir, RUN)}/model.keras")
    expected = model.predict(test["image"], verbose=0)
    assert len(expected) == 1000
    np.testing.assert_array_equal(found["id"], test["id"])
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-5, atol=1e-5)
    for name in ("predictions/validation.npz", "history.csv"):
        own = pathlib.Path(run_dir(workdir, RUN), name).read_bytes()
        assert pathlib.Path(run_dir(out, RUN), name).read_bytes() == own
    assert configs.read_config(out).dataset.seed == 1
    assert configs.read_config(out).student == configs.read_config(workdir).student
    # A second call finds all there.
    record = f"{run_dir(out, RUN)}/run.json"
    written = os.stat(record).st_mtime_ns
    assert measured(tmp_path, workdir, seed=1).stdout.endswith("nds seed 3\n")
    assert os.stat(record).st_mtime_ns == written


def test_data_with_another_label_are_refused_in_a_line(tmp_path, workdir):
    done = measured(tmp_path, workdir, label="texture")
    assert done.returncode == 1
    assert "--config has other label" in done.stderr.splitlines()[-1]
    assert not os.path.exists(f"{tmp_path}/out")
