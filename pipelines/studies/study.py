"""Trains the runs of a study that are missing."""

import time
from collections.abc import Sequence

import ml_collections
import tensorflow as tf

from kd_keras import strategy
from kd_keras.datasets import Dataset
from pipelines.studies import config as configs
from pipelines.studies import layout, shards
from pipelines.studies.claims import Claim, Claims
from pipelines.studies.layout import Run
from pipelines.studies.progress import StudyProgress
from pipelines.studies.runs import recipe_of, train_run
from pipelines.studies.traced import TracedStep


def train_study(
    config: ml_collections.ConfigDict,
    workdir: str,
    *,
    shard: str = "",
    claim_timeout: float = 120.0,
) -> Claim | None:
    """Makes the runs that are missing.

    Any number of processes may do so in one working directory at a time.

    Args:
      config: as in configs/.
      workdir: an empty or new directory, or one that this config made before.
      shard: "i/n" trains only that part of the runs, see `shards.share`.
      claim_timeout: see `claims.Claims`.

    Returns:
      What to hold while the runs are evaluated; None to a process that shall not.
    """
    devices = strategy.make(config.strategy)  # Before TensorFlow computes anything.
    configs.validate(config)
    runs = layout.study_runs(config.temperatures, config.seeds)
    mine = shards.share(runs, shard)
    claims = Claims(workdir, claim_timeout)
    if strategy.is_chief(devices):
        configs.prepare_workdir(workdir, config)
    with strategy.naming_lost_workers(devices):
        _train(config, workdir, mine, claims, devices)
    if not strategy.is_chief(devices):
        return None
    missing = [run for run in runs if not layout.is_complete(workdir, run)]
    if missing:
        print(
            f"shard {shard} is trained; {len(missing)} runs of others are missing. "
            "Who trains the last one writes the report."
        )
        return None
    claim = claims.take("report")
    if claim is None:
        print("another process evaluates the runs and writes the report")
    return claim


def _train(
    config: ml_collections.ConfigDict,
    workdir: str,
    runs: Sequence[Run],
    claims: Claims,
    devices: tf.distribute.Strategy,
) -> None:
    """Trains those of `runs` that are missing in `workdir`, teachers first."""
    missing = [run for run in runs if not layout.is_complete(workdir, run)]
    # Workers decide as their chief does.
    if not strategy.from_chief(devices, len(missing)):
        print(f"all {len(runs)} runs are there already", flush=True)
        return
    print(f"data set {config.dataset.name}", flush=True)
    dataset = _load_dataset(config, claims, devices)
    bars = StudyProgress(runs, missing)
    traced = TracedStep()
    for run, claim in shards.led_by_chief(workdir, runs, claims, devices):
        began = time.monotonic()
        bar = bars.epochs(run, recipe_of(config, run).epochs)
        with claim:
            record = train_run(
                config, dataset, workdir, run, [bar], claims, devices, traced
            )
        if record:
            missing = [run for run in runs if not layout.is_complete(workdir, run)]
            bars.finished(run, began, record["val_accuracy"], missing)
    bars.close()


def _load_dataset(
    config: ml_collections.ConfigDict,
    claims: Claims,
    devices: tf.distribute.Strategy,
) -> Dataset:
    """Loads the data set; where it is new, one process prepares it before all."""
    if strategy.is_chief(devices):
        with claims.wait("dataset"):
            dataset = configs.load_dataset(config)
    strategy.from_chief(devices, 0)
    return dataset if strategy.is_chief(devices) else configs.load_dataset(config)
