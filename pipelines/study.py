"""Runs a config's teachers and students, evaluates them and writes the report."""

import time
from collections.abc import Sequence

from absl import flags
from ml_collections import config_flags

from pipelines import cli
from pipelines.report.flags import PUBLISHED

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


def study(
    config,
    workdir: str,
    *,
    shard: str = "",
    claim_timeout: float = 120.0,
    published: str = "",
) -> None:
    """Makes what is missing of a study: runs, evaluation, tables, report.

    Any number of processes may do so in one working directory at a time. One of those
    that find all runs complete evaluates them and writes the report.

    Args:
      config: an ml_collections.ConfigDict as in configs/.
      workdir: an empty or new directory, or one that this config made before.
      shard: "i/n" trains only that part of the runs, see `shards.share`.
      claim_timeout: see `claims.Claims`.
      published: directory of published numbers to show in the report.
    """
    from kd_keras import strategy
    from pipelines import claims as sharing
    from pipelines import config as configs
    from pipelines import shards
    from pipelines import workdir as layout

    devices = strategy.make(config.strategy)  # Before TensorFlow computes anything.
    configs.validate(config)
    runs = layout.study_runs(config.temperatures, config.seeds)
    mine = shards.share(runs, shard)
    claims = sharing.Claims(workdir, claim_timeout)
    if strategy.is_chief(devices):
        configs.prepare_workdir(workdir, config)
    with strategy.naming_lost_workers(devices):
        train(config, workdir, mine, claims, devices)
    if not strategy.is_chief(devices):
        return
    missing = [run for run in runs if not layout.is_complete(workdir, run)]
    if missing:
        print(
            f"shard {shard} is trained; {len(missing)} runs of others are missing. "
            "Who trains the last one writes the report."
        )
        return
    claim = claims.take("report")
    if claim is None:
        print("another process evaluates the runs and writes the report")
        return
    with claim:
        _evaluate_and_report(config, workdir, published)


def _evaluate_and_report(config, workdir: str, published: str) -> None:
    from pipelines import embeddings, evaluate, hparams, next_steps, report

    evaluate.evaluate(
        workdir, confidence_intervals=config.evaluation.confidence_intervals
    )
    embeddings.ensure(workdir)
    report.write_report(workdir, published=published)
    hparams.write(workdir, config)
    tensorboard = next_steps.command("pipelines.tensorboard", workdir=workdir)
    policy = "configs/policies/demo.py"
    select = next_steps.command("pipelines.select", workdir=workdir, policy=policy)
    print(f"\n{report.summary_table(workdir)}\n")
    print(f"report:      {workdir}/report.html")
    print(f"TensorBoard: {tensorboard}")
    print(f"choose T:    {select}")


def train(config, workdir: str, runs, claims, devices) -> None:
    """Trains those of `runs` that are missing in `workdir`, teachers first."""
    from kd_keras import strategy
    from pipelines import progress, shards
    from pipelines import runs as training
    from pipelines import workdir as layout
    from pipelines.traced import TracedStep

    missing = [run for run in runs if not layout.is_complete(workdir, run)]
    # Workers decide as their chief does.
    if not strategy.from_chief(devices, len(missing)):
        print(f"all {len(runs)} runs are there already", flush=True)
        return
    print(f"data set {config.dataset.name}", flush=True)
    dataset = _load_dataset(config, claims, devices)
    bars = progress.StudyProgress(runs, missing)
    traced = TracedStep()
    for run, claim in shards.led_by_chief(workdir, runs, claims, devices):
        began = time.monotonic()
        bar = bars.epochs(run, training.recipe_of(config, run).epochs)
        with claim:
            record = training.train_run(
                config, dataset, workdir, run, [bar], claims, devices, traced
            )
        if record:
            missing = [run for run in runs if not layout.is_complete(workdir, run)]
            bars.finished(run, began, record["val_accuracy"], missing)
    bars.close()


def _load_dataset(config, claims, devices):
    """Loads the data set; where it is new, one process prepares it before all."""
    from kd_keras import strategy
    from pipelines import config as configs

    if strategy.is_chief(devices):
        with claims.wait("dataset"):
            dataset = configs.load_dataset(config)
    strategy.from_chief(devices, 0)
    return dataset if strategy.is_chief(devices) else configs.load_dataset(config)


def main(argv: Sequence[str]) -> None:
    del argv
    config = CONFIG.value
    if STRATEGY.value:
        config.strategy = STRATEGY.value
    study(
        config,
        cli.WORKDIR.value,
        shard=SHARD.value,
        claim_timeout=CLAIM_TIMEOUT.value,
        published=PUBLISHED.value,
    )


if __name__ == "__main__":
    flags.declare_key_flag("published")
    cli.run(main, needs=["config", "workdir"])
