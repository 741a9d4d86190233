"""Hands a finished study to MLflow or Weights & Biases.

Each run of the study becomes one of the tracker's: what it was made with, its curves,
its gaps and, where the gate has judged it, the verdict. One more holds the report.
Everything is read from the working directory, so that runs of other processes and of
earlier days are logged too.
"""

import importlib
import importlib.util
from collections.abc import Sequence

from pipelines.release import logged
from pipelines.studies import config as configs

# Modules of `trackers`, and the packages that they need.
TRACKERS = ("mlflow", "wandb")


def require(trackers: Sequence[str]) -> None:
    """Raises a ValueError for a tracker that is unknown or not installed."""
    for name in trackers:
        if name not in TRACKERS:
            raise ValueError(f"--log_to must be of {[*TRACKERS]}. Received: {name!r}.")
        if importlib.util.find_spec(name) is None:
            raise ValueError(
                f"--log_to={name} needs the package {name}, which is not installed. "
                "Install the extra `log` of kd-keras: pip install 'PATH[log]'."
            )


def log(workdir: str, trackers: Sequence[str]) -> None:
    """Logs a study with a report; what was logged before is replaced.

    Args:
      workdir: the study's working directory, a local one.
      trackers: of `TRACKERS`.
    """
    config = configs.read_config(workdir)
    found = list(logged.read(workdir, config))
    for name in trackers:
        tracker = importlib.import_module(f"pipelines.release.trackers.to_{name}")
        where = tracker.write(config["name"], found)
        print(f"logged:      {len(found)} runs to {name}, {where}", flush=True)
