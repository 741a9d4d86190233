"""The flags of a study: what it is, and how it is made."""

from typing import Any

from absl import flags
from ml_collections import config_flags

from pipelines.cli.report_flags import PUBLISHED

CONFIG = config_flags.DEFINE_config_file(
    "config", None, "The experiment, such as configs/demo.py.", lock_config=True
)
STRATEGY = flags.DEFINE_enum(
    "strategy",
    None,
    ["one_device", "mirrored", "multi_worker_mirrored", "tpu"],
    "The devices that train one model together. Default: the config's.",
)
WORKERS = flags.DEFINE_integer(
    "workers", 0, "Processes that train a run each. Default: one run after the other."
)
SCHEDULER = flags.DEFINE_string(
    "scheduler", "", "Dask cluster that trains, such as tls://host:8786."
)
STACK = flags.DEFINE_integer(
    "stack", 0, "Students to train as one program, where that is faster. 0: none."
)
LOG_TO = flags.DEFINE_list("log_to", [], "Log the finished study to: mlflow, wandb.")
NAMES = ("config", "strategy", "workers", "scheduler", "stack", "log_to", "published")


def what() -> dict[str, Any]:
    """What the study's results depend on."""
    if STRATEGY.value:
        CONFIG.value.strategy = STRATEGY.value
    return {flag.name: flag.value for flag in (CONFIG, PUBLISHED, LOG_TO)}


def how() -> dict[str, Any]:
    """How its runs are trained, which no result depends on."""
    return {flag.name: flag.value for flag in (WORKERS, SCHEDULER, STACK)}
