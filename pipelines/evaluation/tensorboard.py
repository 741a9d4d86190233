"""TensorBoard over a study: curves, HParams and Fairness Indicators of every run."""

import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from kd_keras import files
from pipelines.evaluation import hparams, plan, summary
from pipelines.studies import attempts, layout
from pipelines.studies import config as configs


def serve(workdir: str, port: int = 6006, through: str = "") -> None:
    """Runs TensorBoard until it is interrupted.

    Args:
      workdir: the study's working directory.
      port: port to listen on.
      through: module that runs the server's module, whose name is its first argument;
        empty for none.

    Raises:
      ValueError: if there is no study, or the port cannot be used.
      OSError: if TensorBoard ends by itself.
    """
    _require_free(port)
    command = [
        *(sys.executable, "-m", *filter(None, [through])),
        *("pipelines.evaluation.tensorboard_server", workdir),
        f"--logdir_spec={_prepare(workdir)}",
        # The Fairness Indicators tab is dead under the fast loader.
        "--load_fast=false",
        "--host=127.0.0.1",
        f"--port={port}",
    ]
    print("starting TensorBoard, which may take a minute", flush=True)
    with subprocess.Popen(command) as server:
        try:
            while not _answers(port) and server.poll() is None:
                time.sleep(0.5)
            if server.poll() is None:
                print(f"TensorBoard: http://127.0.0.1:{port}/", flush=True)
            server.wait()
        except KeyboardInterrupt:
            _end(server)
            return
    raise OSError(f"TensorBoard ended with exit code {server.returncode}.")


def _end(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(timeout=2)
    except subprocess.TimeoutExpired:  # It has nothing to lose.
        server.kill()


def _prepare(workdir: str) -> str:
    """Brings the summaries up to date; returns the runs as TensorBoard takes them.

    Fairness Indicators' summaries name an evaluation by its path, which another place
    of the working directory changes.
    """
    config = configs.read_config(workdir)
    runs = layout.runs_of(config)
    directories = {run.title: layout.run_dir(workdir, run) for run in runs}
    for directory in directories.values():
        if plan.read_record(directory):
            summary.ensure(directory)
    summarised = hparams.write(workdir, config)
    print(f"written: the HParams of {summarised} runs")
    named = {**directories, "study": workdir}
    for title, directory in directories.items():
        for left in attempts.left(directory):
            named[f"{title} (training)"] = left
    return _logdir_spec({t: files.join(d, "tensorboard") for t, d in named.items()})


def _logdir_spec(paths: Mapping[str, str]) -> str:
    """Title -> path, as --logdir_spec: the tabs show the titles as names of runs."""
    for path in paths.values():
        if "," in path:
            raise ValueError(
                "TensorBoard cannot read a --workdir with a comma in its path. "
                f"Received: {path!r}. Make a link to it without one."
            )
    return ",".join(f"{title}:{path}" for title, path in paths.items())


def _require_free(port: int) -> None:
    if port == 0:
        raise ValueError("--port must be a port to listen on. Received: 0.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise ValueError(
                f"--port={port} cannot be used: {error}. Choose another one."
            ) from error


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
