"""The same evaluation on several worker processes, and behind Beam's job API."""

import os
import socket
import subprocess
import sys
import time

import evaluation_study as study
import pytest

from kd_keras import files
from pipelines.evaluation import evaluate
from pipelines.evaluation import evaluation_data as examples
from pipelines.studies import config as configs
from pipelines.studies.layout import run_dir


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A study of three models on four shards: workdir, and evaluation by run."""
    patch = pytest.MonkeyPatch()
    dataset = study.binary_dataset()
    patch.setattr(configs, "load_dataset", lambda config: dataset)
    patch.setattr(examples, "SHARD_SIZE", 20)
    workdir = str(tmp_path_factory.mktemp("runners"))
    runs = list(study.write_study(workdir, dataset, seeds=(0,)))
    evaluate.evaluate(workdir)
    yield workdir, {run: _metrics(workdir, run) for run in runs}
    patch.undo()


def _metrics(workdir, run):
    path = f"{run_dir(workdir, run)}/evaluation/metrics-00000-of-00001.tfrecord"
    return files.read_bytes(path)


def _evaluate_again(evaluated, *beam_args):
    workdir, expected = evaluated
    for run in expected:
        files.remove_tree(f"{run_dir(workdir, run)}/evaluation")
    evaluate.evaluate(workdir, beam_args=beam_args)
    return {run: _metrics(workdir, run) for run in expected}


def test_two_worker_processes_give_the_same_metrics(evaluated):
    found = _evaluate_again(
        evaluated,
        "--runner=DirectRunner",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
    )
    assert found == evaluated[1]


def _free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


@pytest.fixture
def job_server():
    """Beam flags that name a job server and a worker pool, each a process."""
    server, pool = _free_ports(2)
    modules = {
        server: ("apache_beam.runners.portability.local_job_service_main", "--port"),
        pool: ("apache_beam.runners.worker.worker_pool_main", "--service_port"),
    }
    # The pool starts its workers as `python`.
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", module, f"{flag}={port}"],
            env={**os.environ, "PATH": path},
        )
        for port, (module, flag) in modules.items()
    ]
    deadline = time.monotonic() + 120
    for port in modules:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    yield (
        "--runner=PortableRunner",
        f"--job_endpoint=127.0.0.1:{server}",
        "--environment_type=EXTERNAL",
        f"--environment_config=127.0.0.1:{pool}",
    )
    for process in processes:
        process.terminate()
        process.wait()


def test_job_server_and_worker_pool_give_the_same_metrics(evaluated, job_server):
    assert _evaluate_again(evaluated, *job_server) == evaluated[1]
