"""A working directory, or a page, that attacks whoever opens TensorBoard."""

import json
import pathlib
import pickle
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
from importlib import metadata
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import evaluation_study as study
import pytest
import tensorflow as tf
from tensorboard.plugins.base_plugin import TBContext
from tensorboard_plugin_fairness_indicators import summary_v2
from tensorboard_plugin_fairness_indicators.plugin import FairnessIndicatorsPlugin

from pipelines.evaluation import evaluate, summary, tensorboard, tensorboard_server
from pipelines.studies import config as configs
from pipelines.studies import pickled_config
from pipelines.studies.layout import Run

TEACHER, STUDENT = Run("teacher", 0), Run("nds", 0)
PLUGIN = "data/plugin/fairness_indicators"


class Touch:
    """Pickled, it creates a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (pathlib.Path.touch, (self.path,))


def write_hostile(directory, marker):
    """A legacy config of TFMA, which creates `marker` when it is unpickled."""
    directory.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(directory / "eval_config")) as writer:
        writer.write(pickle.dumps(Touch(marker)))
    return marker


def assert_it_would_run(directory, marker):
    """The control: without the guard TFMA runs what the file holds."""
    program = (
        "import sys, tensorflow_model_analysis as t; t.load_eval_result(*sys.argv[1:])"
    )
    subprocess.run([sys.executable, "-c", program, directory], capture_output=True)
    assert marker.exists()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(port, path="", **headers):
    """Status and body of a GET."""
    request = Request(f"http://127.0.0.1:{port}/{path}", headers=headers)
    try:
        with urlopen(request) as found:
            return found.status, found.read()
    except HTTPError as error:
        return error.code, error.read()


def evaluation_of(port, title):
    """The answer of the tab's route, when TensorBoard has read the runs."""
    run = urllib.parse.quote(f"{title}/fairness")
    for _ in range(120):
        found = answer(port, f"{PLUGIN}/get_evaluation_result?run={run}")
        if b"There is no run" not in found[1]:
            return found
        time.sleep(0.5)
    raise AssertionError(found)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """An evaluated teacher and student."""
    workdir = tmp_path_factory.mktemp("study")
    dataset = study.binary_dataset()
    study.write_study(str(workdir), dataset, seeds=(0,), temperatures=())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configs, "load_dataset", lambda config: dataset)
        evaluate.evaluate(str(workdir))
    return workdir


@pytest.fixture(scope="module")
def port(workdir):
    """That of the main, which runs in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "pipelines.tensorboard"]
    with subprocess.Popen(
        [*command, f"--workdir={workdir}", f"--port={port}"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert any(line.startswith("TensorBoard: http") for line in process.stdout)
        yield port
        process.terminate()


@pytest.mark.parametrize("path", ["", "data/runs", f"{PLUGIN}/index.js"])
def test_only_its_own_pages_are_answered(port, path):
    for headers in (
        {"Host": f"attacker.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": f"127.0.0.1:{port + 1}"},
        {"Origin": "http://attacker.example"},
        {"Origin": f"https://127.0.0.1:{port}"},
        {"Origin": "null"},
    ):
        code, text = answer(port, path, **headers)
        assert (code, b"This server answers at" in text) == (403, True), headers
    for headers in (
        {"Host": f"localhost:{port}"},
        {"Host": f"[::1]:{port}"},
        {"Origin": f"http://127.0.0.1:{port}"},
    ):
        assert answer(port, path, **headers)[0] == 200, headers


def test_no_route_reads_a_path_that_a_request_names(port, tmp_path):
    marker = write_hostile(tmp_path / "evaluation", tmp_path / "run")
    query = f"evaluation_output_path={tmp_path}/evaluation/metrics.tfrecord"
    route = f"{PLUGIN}/get_evaluation_result_from_remote_path"
    assert answer(port, f"{route}?{query}")[0] == 404
    assert not marker.exists()
    assert_it_would_run(tmp_path / "evaluation", marker)


def test_only_the_routes_that_are_known_are_served(monkeypatch):
    """Another version of the plugin may have more of them."""
    routes = FairnessIndicatorsPlugin.get_plugin_apps
    monkeypatch.setattr(
        FairnessIndicatorsPlugin,
        "get_plugin_apps",
        lambda self: routes(self) | {"/read": None},
    )
    plugin = tensorboard_server.OwnEvaluations(TBContext(multiplexer=None))
    assert set(plugin.get_plugin_apps()) == {
        *("/get_evaluation_result", "/index.js", "/vulcanized_tfma.js"),
    }


def test_no_other_plugin_is_started_because_it_is_installed(port):
    """The projector reads a path out of a file in the directory it is started in."""
    (group,) = metadata.entry_points(group="tensorboard_plugins", name="projector")
    assert group.load().plugin_name == "projector"
    plugins = json.loads(answer(port, "data/plugins_listing")[1])
    assert {"scalars", "hparams", "fairness_indicators"} <= plugins.keys()
    assert "projector" not in plugins
    assert answer(port, "data/plugin/projector/runs")[0] == 404


def test_browsers_do_not_name_port_80():
    app = tensorboard_server.LoopbackOnly(lambda environ, start: [b"page"], 80)
    statuses = []

    def ask(host, **environ):
        environ = {"HTTP_HOST": host, **environ}
        return app(environ, lambda status, headers: statuses.append(status))

    assert ask("127.0.0.1") == ask("localhost:80") == [b"page"]
    assert ask("127.0.0.1", HTTP_ORIGIN="http://127.0.0.1") == [b"page"]
    assert statuses == []
    ask("attacker.example")
    assert statuses == ["403 Forbidden"]


def test_the_tab_answers_with_the_study_s_evaluation(port):
    code, text = evaluation_of(port, STUDENT.title)
    assert code == 200
    assert {"Overall", "hair:blond"} <= {row["slice"] for row in json.loads(text)}


@pytest.fixture
def hostile(workdir):
    """A pickle in the place of an evaluation's config: its directory, what it makes."""
    directory = workdir / STUDENT.directory / "evaluation"
    config, kept = directory / "eval_config.json", directory / "kept"
    config.rename(kept)
    yield directory, write_hostile(directory, workdir / "run")
    (workdir / "run").unlink(missing_ok=True)
    (directory / "eval_config").unlink()
    kept.rename(config)


def test_the_tab_does_not_unpickle(port, hostile):
    """The file has come after the server has started."""
    directory, marker = hostile
    code, text = evaluation_of(port, STUDENT.title)
    assert (code, b"holds no evaluation" in text) == (404, True)
    assert not marker.exists()
    assert_it_would_run(directory, marker)


def test_tfma_does_not_unpickle(hostile):
    directory, marker = hostile
    program = (
        "import sys, tensorflow_model_analysis as tfma\n"
        "from pipelines.evaluation import unpickling\n"
        "unpickling.refuse()\n"
        "tfma.load_eval_result(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, directory], capture_output=True, text=True
    )
    assert "it is not read" in done.stderr.splitlines()[-1]
    assert not marker.exists()


def test_a_workdir_with_a_pickled_config_is_refused_by_name(workdir, hostile):
    directory, marker = hostile
    message = f"{directory}/eval_config is a pickle"
    # Every main that reads a working directory does so by this function.
    with pytest.raises(ValueError, match=message):
        configs.read_config(str(workdir))
    command = [sys.executable, "-m", "pipelines.tensorboard", f"--workdir={workdir}"]
    done = subprocess.run(command, capture_output=True, text=True)
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("error:")]
    assert message in line
    assert done.returncode == 1
    assert not marker.exists()


@pytest.mark.parametrize("name", ["study[1]", "a*b", "q?x", "back\\slash", "plain"])
def test_no_name_of_a_workdir_hides_a_pickle(name, tmp_path):
    workdir = tmp_path / name
    evaluation = workdir / "teacher" / "seed0" / "evaluation"
    evaluation.mkdir(parents=True)
    pickled_config.check(str(workdir))
    write_hostile(evaluation, tmp_path / "run")
    with pytest.raises(ValueError, match=re.escape(f"{evaluation}/eval_config is a")):
        pickled_config.check(str(workdir))


def test_an_evaluation_outside_is_not_loaded(workdir, tmp_path):
    """The summary of a hostile working directory names any path."""
    elsewhere = tmp_path / "teacher" / "seed0" / "evaluation"
    shutil.copytree(workdir / TEACHER.directory / "evaluation", elsewhere)
    events, port = tmp_path / "events", free_port()
    with summary.replacing(f"{events}/fairness", summary.SUFFIX):
        summary_v2.FairnessIndicators(str(elsewhere), step=0)
    command = [sys.executable, "-m", "pipelines.evaluation.tensorboard_server"]
    flags = [f"--logdir_spec=x:{events}", f"--port={port}"]
    with subprocess.Popen([*command, workdir, *flags, "--load_fast=false"]) as process:
        try:
            while not tensorboard._answers(port):
                time.sleep(0.2)
            code, text = evaluation_of(port, "x")
        finally:
            process.terminate()
    assert (code, b"outside of the study" in text) == (403, True)


def test_links_do_not_lead_outside(tmp_path):
    own, elsewhere = tmp_path / "w/teacher/seed0", tmp_path / "e/teacher/seed0"
    for directory in (own, elsewhere):
        (directory / "evaluation").mkdir(parents=True)
    link = tmp_path / "w/student-nds/seed0/evaluation"
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere / "evaluation")
    is_own = tensorboard_server.is_own
    assert is_own(f"{own}/evaluation", f"{tmp_path}/w/")
    assert is_own("gs://b/w/teacher/seed0/evaluation", "gs://b/w")
    assert not is_own(str(link), f"{tmp_path}/w")
    assert not is_own(f"{tmp_path}/w/../e/teacher/seed0/evaluation", f"{tmp_path}/w")
    assert not is_own("gs://b/w/../x/seed0/evaluation", "gs://b/w")
    assert not is_own(f"{own}/evaluation", f"{tmp_path}/ww")
    assert not is_own(str(own), f"{tmp_path}/w")
