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
    "workers",
    0,
    "Train as many runs at a time, each in a process of its own on this machine. "
    "Default: one run after the other, in this process.",
)
SCHEDULER = flags.DEFINE_string(
    "scheduler",
    "",
    "Train on the workers of a Dask cluster, such as tls://host:8786; they have to "
    "see --workdir.",
)


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import stages

    config = CONFIG.value
    if STRATEGY.value:
        config.strategy = STRATEGY.value
    stages.study(
        config,
        start.WORKDIR.value,
        workers=WORKERS.value,
        scheduler=SCHEDULER.value,
        published=PUBLISHED.value,
    )


if __name__ == "__main__":
    flags.declare_key_flag("published")
    start.run(main, needs=["config", "workdir"])
