"""The demo's config, shrunk, through the real main: train, evaluate, report."""

import csv
import glob
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from kd_keras import files
from pipelines.studies import layout
from pipelines.studies.layout import Run

SHRINK = (
    "--config.seeds=(0,)",
    "--config.temperatures=(4.0,)",
    "--config.dataset.versions=1",
    "--config.attributes=('color','texture')",
    "--config.evaluation.min_examples=1",  # Its groups are tiny.
    "--config.dataset.image_size=16",
    "--config.teacher.model=lenet5",
    "--config.teacher.epochs=4",
    "--config.student.epochs=3",
)
LONG = re.compile(r".+ \(\d+ s\)")
RUNS = [Run("teacher", 0), Run("nds", 0), Run("ds", 0, 4.0)]


def command(workdir, *flags):
    main = [sys.executable, "-m", "pipelines.study", "--config=configs/demo.py"]
    return [*main, f"--workdir={workdir}", *SHRINK, *flags]


def run(workdir, *flags):
    return subprocess.run(command(workdir, *flags), capture_output=True, text=True)


@pytest.fixture(scope="module")
def data_flag(tmp_path_factory):
    return f"--config.dataset.data_dir={tmp_path_factory.mktemp('data')}"


@pytest.fixture(scope="module")
def study(tmp_path_factory, data_flag):
    workdir = str(tmp_path_factory.mktemp("study") / "w")
    return workdir, run(workdir, data_flag)


def _tables(workdir):
    directory = os.path.join(workdir, "tables")
    return {
        name: files.read_bytes(os.path.join(directory, name))
        for name in sorted(os.listdir(directory))
    }


def test_a_study_says_what_it_did_and_what_comes_next(study):
    workdir, done = study
    assert done.returncode == 0
    # A stage that takes long says that it goes on, and nobody says anything else.
    told = [line for line in done.stderr.splitlines() if not LONG.fullmatch(line)]
    assert told == []
    assert "[3/3] student T=4 seed 0: val_accuracy" in done.stdout
    assert f"report:      {workdir}/report.html" in done.stdout
    assert f"python -m pipelines.tensorboard --workdir={workdir}" in done.stdout
    for stage in ("select", "gate", "mitigate"):
        following = f"python -m pipelines.{stage} --workdir={workdir} --policy=configs/"
        assert following in done.stdout
    assert not [name for name in os.listdir(workdir) if "partial" in name]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_every_run_is_whole(study, run):
    directory = layout.run_dir(study[0], run)
    cache = ["cache"] if run.model == "teacher" else []
    assert sorted(os.listdir(directory)) == [
        *cache,
        *("evaluation", "export", "history.csv", "model.keras"),
        *("predictions", "run.json", "tensorboard"),
    ]
    record = files.read_json(f"{directory}/run.json")
    assert (record["model"], record["seed"], record["temperature"]) == (
        *(run.model, run.seed, run.temperature),
    )
    history = files.read_text(f"{directory}/history.csv").splitlines()
    assert len(history) == 1 + record["epochs"]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_fairness_is_drawn_over_the_epochs_beside_the_hparams(study, run):
    import tensorflow as tf
    from tensorflow.core.util.event_pb2 import Event

    directory = f"{layout.run_dir(study[0], run)}/tensorboard"

    def tags(part):
        paths = sorted(
            f"{directory}/{part}/{n}" for n in os.listdir(f"{directory}/{part}")
        )
        events = tf.data.TFRecordDataset(paths).as_numpy_iterator()
        return {v.tag for e in events for v in Event.FromString(e).summary.value}

    fairness = {f"{m}_{a}" for m in ("dpd", "eod") for a in ("color", "texture")}
    assert {f"epoch_{name}" for name in fairness} <= tags("validation")
    assert {"accuracy", *(name.replace("_", "/") for name in fairness)} <= tags(
        "fairness"
    )


def test_individual_fairness_is_measured_with_the_first_teacher(study):
    workdir, _ = study
    with np.load(f"{workdir}/embeddings/test.npz") as arrays:
        assert '"extractor": "teacher/seed0"' in str(arrays["source"])
    with open(f"{workdir}/tables/individual_fairness.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["teacher", "nds", "ds"]
    assert all(float(row["mean"]) > 0 for row in rows)


def test_the_export_answers_what_the_predictions_say(study):
    import tensorflow as tf

    from kd_keras.datasets.examples import encode
    from pipelines.studies import config as configs

    workdir, _ = study
    dataset = configs.load_dataset(configs.read_config(workdir))
    examples = list(dataset.splits["test"].as_numpy_iterator())
    serialized = [encode(dataset.spec, e) for e in examples]
    directory = layout.run_dir(workdir, RUNS[2])
    loaded = tf.saved_model.load(f"{directory}/export/1")
    answer = loaded.signatures["serving_default"](examples=tf.constant(serialized))
    with np.load(f"{directory}/predictions/test.npz") as predictions:
        expected = tf.nn.softmax(predictions["logits"])
        np.testing.assert_array_equal(predictions["id"], [e["id"] for e in examples])
        np.testing.assert_array_equal(
            predictions["group_color"], [e["color"] for e in examples]
        )
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


def test_the_students_of_a_seed_begin_alike_and_differ_in_the_end(study):
    logits = []
    for run in RUNS[1:]:
        path = f"{layout.run_dir(study[0], run)}/predictions/test.npz"
        with np.load(path) as predictions:
            logits.append(predictions["logits"])
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


def test_accuracy_in_the_table_is_that_of_the_predictions(study):
    workdir, _ = study
    with open(f"{workdir}/tables/summary.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "ds"]
    with np.load(f"{layout.run_dir(workdir, RUNS[2])}/predictions/test.npz") as p:
        expected = (p["logits"].argmax(-1) == p["label"]).mean()
    assert rows
    for row in rows:
        assert float(row["accuracy_mean"]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_tfma_and_the_predictions_give_the_same_numbers(study, run):
    import tensorflow_model_analysis as tfma

    from kd_keras.fairness import GroupCounts

    directory = layout.run_dir(study[0], run)
    with np.load(f"{directory}/predictions/test.npz") as p:
        counts = GroupCounts.from_predictions(
            p["label"],
            p["logits"].argmax(-1),
            groups={name: p[f"group_{name}"] for name in ("color", "texture")},
            num_classes=10,
        )
    evaluation = tfma.load_eval_result(f"{directory}/evaluation")
    overall = dict(evaluation.slicing_metrics)[()][""][""]
    for gap in ("demographic_parity_difference", "equalized_odds_difference"):
        for attribute in ("color", "texture"):
            expected = float(getattr(counts, gap)(attribute=attribute))
            found = overall[f"{gap}/{attribute}"]["doubleValue"]
            assert found == pytest.approx(expected, abs=1e-12)


def test_killed_and_continued_gives_the_same_tables(study, tmp_path, data_flag):
    workdir = str(tmp_path / "w")
    process = subprocess.Popen(
        command(workdir, data_flag), stdout=subprocess.PIPE, text=True
    )
    # In the middle of the second run.
    for line in process.stdout:
        if line.startswith("[1/3]"):
            break
    deadline = time.monotonic() + 60
    while not glob.glob(f"{workdir}/student-nds/seed0.*.partial/history.csv"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not layout.is_complete(workdir, RUNS[1])
    again = run(workdir, data_flag)
    assert again.returncode == 0, again.stderr
    assert "1 of 3 runs are already there" in again.stdout
    assert _tables(workdir) == _tables(study[0])


def test_a_second_call_trains_and_evaluates_nothing(study, data_flag):
    workdir, _ = study
    before = {
        path: os.stat(path).st_mtime_ns
        for run in RUNS
        for path in [f"{layout.run_dir(workdir, run)}/run.json"]
    }
    again = run(workdir, data_flag)
    assert again.stdout.startswith(f"nothing to do: {workdir} is finished\n\nwhom: ")
    os.utime(f"{workdir}/report.html")
    anew = run(workdir, data_flag)
    assert "all 3 runs are already there" in anew.stdout
    assert "all 3 evaluations are already there" in anew.stdout
    assert {path: os.stat(path).st_mtime_ns for path in before} == before
    # Both end with the same sentences, table and commands.
    end = again.stdout.partition("\n\n")[2]
    assert anew.stdout.endswith(end)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--config.alhpa=0.5"], 'Did you mean "alpha"'),
        (["--config.alpha=1.5"], "--config.alpha must be a number in [0, 1]"),
        (["--config=configs/nope.py"], "configs/nope.py"),
        (["--config.student.epochs=9"], "made with student.epochs=3"),
        (["--wrokdir=x"], "Did you mean: workdir"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_exit_code_1(study, data_flag, flags, message):
    done = run(study[0], data_flag, *flags)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()  # Nothing of TensorFlow's before it.
    assert line.startswith("error:")
    assert message in line


def test_workdir_is_needed():
    flags = [sys.executable, "-m", "pipelines.study", "--config=configs/demo.py"]
    done = subprocess.run(flags, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "error: --workdir is needed. See `python -m pipelines.study --help`.\n",
    )
