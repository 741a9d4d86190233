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
SHARD = flags.DEFINE_string(
    "shard", "", "Train only part i of n, counted from 0, such as 0/4."
)
CLAIM_TIMEOUT = flags.DEFINE_float(
    "claim_timeout",
    120.0,
    "Seconds without a sign of life after which a run's process on another machine "
    "counts as dead; the same in all processes of a study.",
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
        shard=SHARD.value,
        claim_timeout=CLAIM_TIMEOUT.value,
        published=PUBLISHED.value,
    )


if __name__ == "__main__":
    flags.declare_key_flag("published")
    start.run(main, needs=["config", "workdir"])
