"""pipelines.tensorboard: the server, and the Fairness Indicators tab in Chromium."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from urllib.request import Request, urlopen

import evaluation_study as study
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorflow.core.util.event_pb2 import Event

from kd_keras import files
from pipelines.evaluation import evaluate, summary, temperature_board, tensorboard
from pipelines.evaluation import hparams as pipelines_hparams
from pipelines.studies import config as configs
from pipelines.studies import table_digests
from pipelines.studies.layout import Run, run_dir

TEACHER, STUDENT = Run("teacher", 0), Run("nds", 0)
RUNS = """model,temperature,seed,attribute,metric,value,undefined
teacher,,0,,accuracy,0.750000,
teacher,,0,hair,dpd,0.250000,
teacher,,0,hair,eod,,needs at least two groups
teacher,,0,hair,base_rate_gap,0.100000,
nds,,0,,accuracy,0.500000,
nds,,0,hair,dpd,0.125000,
nds,,0,hair,eod,0.500000,
ds,4,1,,accuracy,0.625000,
"""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """An evaluated teacher and student of a binary data set with groups."""
    workdir = str(tmp_path_factory.mktemp("study"))
    dataset = study.binary_dataset()
    study.write_study(workdir, dataset, seeds=(0,), temperatures=())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configs, "load_dataset", lambda config: dataset)
        evaluate.evaluate(workdir)
    for run in (TEACHER, STUDENT):
        curve = tf.summary.create_file_writer(
            f"{run_dir(workdir, run)}/tensorboard/train"
        )
        with curve.as_default():
            tf.summary.scalar("epoch_loss", 0.5, step=0)
        curve.close()
    write_runs(workdir)
    return workdir


def write_runs(workdir):
    """The report's table, with its digest."""
    path = f"{workdir}/tables/runs.csv"
    files.write_text(path, RUNS)
    table_digests.write([path])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(workdir, tmp_path_factory):
    """The main in a process of its own: the process and its port."""
    port = free_port()
    command = [sys.executable, "-m", "pipelines.tensorboard"]
    told = tmp_path_factory.mktemp("server") / "stderr"
    # As a person has them, who sets no levels of logs.
    levels = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")
    environment = {k: v for k, v in os.environ.items() if k not in levels}
    with (
        told.open("w") as stderr,
        subprocess.Popen(
            [*command, f"--workdir={workdir}", f"--port={port}"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
        ) as process,
    ):
        process.told = told
        for line in process.stdout:
            if line == f"TensorBoard: http://127.0.0.1:{port}/\n":
                break
        yield process, port
        process.terminate()


@pytest.fixture(scope="module")
def tab(server):
    """The Fairness Indicators tab in headless Chromium, when it has drawn bars."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    _, port = server
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/#fairness_indicators")
        frame = page.frame_locator("iframe[src*='name=fairness_indicators']")
        # TensorBoard reads the runs after it answers.
        frame.locator("svg#bar-chart rect").first.wait_for(timeout=60_000)
        yield frame
        browser.close()


@pytest.mark.browser
def test_the_tab_draws_a_bar_per_group(tab, workdir):
    # The tab shows all slices where they are few.
    groups = ("black", "blond", "brown")
    for group in groups:
        tick = tab.locator("svg#bar-chart .tick text").get_by_text(group, exact=True)
        tick.wait_for(timeout=10_000)

    (run,) = shown_run(tab)
    expected = accuracies(workdir, run)
    ticks = tab.locator("svg#bar-chart .tick text").all_text_contents()
    heights = tab.locator("svg#bar-chart rect").evaluate_all(
        "all => all.map(bar => Number(bar.getAttribute('height')))"
    )
    height = dict(zip(ticks[: len(heights)], heights, strict=True))
    for group in groups:
        # Drawn to whole pixels.
        assert height[group] / height["Overall"] == pytest.approx(
            expected[(("hair", group),)] / expected[()], abs=0.02
        )


def shown_run(tab):
    selected = tab.locator("paper-dropdown-menu input").first.input_value()
    return [run for run in (TEACHER, STUDENT) if selected == f"{run.title}/fairness"]


def accuracies(workdir, run):
    result = tfma.load_eval_result(f"{run_dir(workdir, run)}/evaluation")
    return {
        key: metrics[""][""]["accuracy"]["doubleValue"]
        for key, metrics in result.slicing_metrics
    }


@pytest.mark.browser
def test_the_tab_offers_every_run_beside_the_curves(server, tab):
    _, port = server
    with urlopen(f"http://127.0.0.1:{port}/data/runs") as answer:
        runs = set(json.load(answer))
    assert runs == {"study/hparams"} | {
        f"{title} seed 0/{part}"
        for title in ("teacher", "student nds")
        for part in ("fairness", "train")
    }


def hparams(port, route, **request):
    url = f"http://127.0.0.1:{port}/data/plugin/hparams/{route}"
    body = json.dumps({"experimentName": "", **request}).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(url, body, headers)) as answer:
        return json.load(answer)


def test_hparams_hold_every_run_with_its_fairness(server, tab):
    _, port = server
    groups = hparams(
        port,
        "session_groups",
        allowedStatuses=["STATUS_UNKNOWN"],
        colParams=[],
        startIndex=0,
        sliceSize=9,
    )["sessionGroups"]
    found = {
        group["name"]: (
            group["hparams"],
            {value["name"]["tag"]: value["value"] for value in group["metricValues"]},
        )
        for group in groups
    }
    # The study has no temperature; what is undefined is left out.
    assert found == {
        "teacher seed 0": (
            {"model": "teacher", "seed": 0.0},
            {"accuracy": 0.75, "dpd/hair": 0.25},
        ),
        "nds seed 0": (
            {"model": "nds", "seed": 0.0},
            {"accuracy": 0.5, "dpd/hair": 0.125, "eod/hair": 0.5},
        ),
    }


def test_hparams_name_their_columns(server, tab):
    experiment = hparams(server[1], "experiment")
    names = {info["name"] for info in experiment["hparamInfos"]}
    assert names == {"model", "seed", "alpha"}
    titles = [info["displayName"] for info in experiment["metricInfos"]]
    assert titles == ["accuracy", "DPD by hair", "EOD by hair"]


def test_a_distilled_run_has_its_temperature(tmp_path):
    config = {"temperatures": [4.0], "seeds": [0, 1], "alpha": 0.8}
    write_runs(tmp_path)
    assert pipelines_hparams.write(str(tmp_path), config) == 3
    # A second report takes the place of the first.
    assert pipelines_hparams.write(str(tmp_path), config) == 3
    (path,) = (tmp_path / "student-t04/seed1/tensorboard/fairness").iterdir()
    events = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    values = [v for e in events for v in Event.FromString(e).summary.value]
    (session,) = [v for v in values if v.tag == "_hparams_/session_start_info"]
    content = HParamsPluginData.FromString(session.metadata.plugin_data.content)
    start = content.session_start_info
    assert start.group_name == "T=4 seed 1"
    assert start.hparams["temperature"].number_value == 4.0
    assert start.hparams["alpha"].number_value == 0.8


def scalars(directory) -> dict[tuple[str, int], float]:
    """(tag, step) -> value of the one event file of a directory."""
    (path,) = directory.iterdir()
    events = [
        Event.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    return {
        (value.tag, event.step): float(tf.make_ndarray(value.tensor))
        for event in events
        for value in event.summary.value
    }


def test_a_curve_over_t_has_the_temperature_as_its_step(tmp_path):
    measured = {
        Run("teacher", 0): {"accuracy": 0.875},
        Run("ds", 0, 2.5): {"accuracy": 0.5, "eod/hair": 0.25},
        Run("ds", 1, 2.5): {"accuracy": 0.75, "eod/hair": 0.75},
        Run("ds", 0, 10.0): {"accuracy": 0.625},
    }
    temperature_board.write(str(tmp_path), measured)
    # Steps are whole: ten times T. Means over the seeds.
    assert scalars(tmp_path / "tensorboard/over T/ds") == {
        ("accuracy", 25): 0.625,
        ("accuracy", 100): 0.625,
        ("eod/hair", 25): 0.5,
    }
    # The teacher has no T, and a level line.
    assert scalars(tmp_path / "tensorboard/over T/teacher") == {
        ("accuracy", 25): 0.875,
        ("accuracy", 100): 0.875,
    }
    assert temperature_board.step_of(4.0, [1.0, 4.0]) == 4
    one = {run: values for run, values in measured.items() if run.temperature != 10}
    temperature_board.write(str(tmp_path / "one"), one)
    assert not (tmp_path / "one").exists()


def test_nothing_of_the_imports_is_printed(server, tab):
    told = server[0].told.read_text()
    words = ("oneDNN", "cuda", "InitializeLog", "rebuild TensorFlow", "deprecated")
    assert [word for word in words if word in told] == []


def test_only_this_machine_is_served(server):
    _, port = server
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) == 0
    # Another address of the loopback device answers where all addresses are bound.
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_a_port_in_use(server, workdir):
    _, port = server
    with pytest.raises(ValueError, match=f"--port={port} cannot be used"):
        tensorboard.serve(workdir, port)


def test_a_port_that_nobody_would_find(workdir):
    with pytest.raises(ValueError, match=r"--port must be .*Received: 0"):
        tensorboard.serve(workdir, 0)


def test_no_study(tmp_path):
    with pytest.raises(ValueError, match=r"has no config\.json"):
        tensorboard.serve(str(tmp_path), free_port())


def test_a_moved_workdir_is_found_again(workdir, tmp_path):
    moved = str(tmp_path / "moved")
    shutil.copytree(workdir, moved)
    directory = run_dir(moved, STUDENT)
    summary.ensure(directory)
    (path,) = [
        name
        for name in os.listdir(f"{directory}/tensorboard/fairness")
        if name.endswith(summary.SUFFIX)
    ]
    records = tf.data.TFRecordDataset(f"{directory}/tensorboard/fairness/{path}")
    events = [Event.FromString(record) for record in records.as_numpy_iterator()]
    paths = [v.tensor.string_val[0] for event in events for v in event.summary.value]
    assert paths == [f"{directory}/evaluation".encode()]


# Last: it ends the server.
def test_a_signal_ends_it_cleanly(server):
    process, port = server
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
