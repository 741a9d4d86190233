"""Runs a config's teachers and students, evaluates them and writes the report."""

from collections.abc import Sequence

from absl import flags
from ml_collections import config_flags

from pipelines.cli import start
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


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import stages

    config = CONFIG.value
    if STRATEGY.value:
        config.strategy = STRATEGY.value
    how = {f.name: f.value for f in (WORKERS, SCHEDULER, STACK, PUBLISHED, LOG_TO)}
    stages.study(config, start.WORKDIR.value, **how)


if __name__ == "__main__":
    flags.declare_key_flag("published")
    start.run(main, needs=["config", "workdir"])
