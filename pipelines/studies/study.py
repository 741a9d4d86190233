"""Trains the runs of a study that are missing."""

import contextlib
import functools
import gc
import time
import warnings
from collections.abc import Callable, Sequence

import ml_collections
import tensorflow as tf

from kd_keras import files, strategy
from kd_keras.datasets import Dataset
from pipelines.studies import (
    attempts,
    config_checks,
    coordinator,
    corruption_options,
    engine,
    individual_options,
    layout,
    own_code,
    parts,
    rehearsal,
    stacks,
)
from pipelines.studies import config as configs
from pipelines.studies.layout import Run
from pipelines.studies.progress import StudyProgress
from pipelines.studies.publisher import Publisher
from pipelines.studies.runs import train_run
from pipelines.studies.traced import TracedStep
from pipelines.studies.trainers import recipe_of


def train_study(
    config: ml_collections.ConfigDict,
    workdir: str,
    *,
    workers: int = 0,
    scheduler: str = "",
    stack: int = 0,
    only: Sequence[Run] = (),
    load: Callable[[], Dataset] | None = None,
) -> contextlib.ExitStack | None:
    """Makes the runs that are missing.

    Args:
      config: as in configs/.
      workdir: an empty or new directory, or one that this config made before.
      workers: number of processes to start, each of which trains one run at a time;
        0 trains in this one.
      scheduler: address of a Dask cluster whose workers train.
      stack: students that differ in seed and temperature alone to train as one
        program, at most; 0 trains them one by one.
      only: the runs to make, of those of the config; empty for all.
      load: gives the data set; None to load that of the config.

    Returns:
      What holds the working directory until it is closed, as a context; None to a
      process that shall not evaluate the runs.

    Raises:
      ValueError: if an argument is not as described, or another process makes the
        study of this working directory.
    """
    on_cluster = bool(workers or scheduler)
    if stack and (stack < 2 or on_cluster):
        raise ValueError(
            "--stack must be 0, or 2 or more students to train as one program in this "
            f"process. Received: --stack={stack} --workers={workers} "
            f"--scheduler={scheduler}. Leave it out, or give --stack=240 alone."
        )
    if on_cluster:
        engine.check(config, workers, scheduler)
    # Before TensorFlow computes anything; the workers of a cluster make their own.
    devices = strategy.make("one_device" if on_cluster else config.strategy)
    config_checks.validate(config)
    individual_options.require_extractor(config)
    own_code.admit(config)
    config_checks.require_usable(config)
    if not scheduler:  # Its workers are elsewhere.
        _warn_of_precision(config)
    runs = only or layout.runs_of(config)
    load = load or functools.partial(configs.load_dataset, config)
    with contextlib.ExitStack() as held:
        if strategy.is_chief(devices):
            held.enter_context(coordinator.alone(workdir))
            configs.prepare_workdir(workdir, config)
        if on_cluster:
            _train_on_cluster(config, workdir, runs, workers, scheduler, load)
        else:
            with strategy.naming_lost_workers(devices):
                _train_here(config, workdir, runs, devices, stack, load)
        if not strategy.is_chief(devices):
            return None
        for run in runs:
            directory = layout.run_dir(workdir, run)
            attempts.sweep(directory)
            attempts.sweep(files.join(directory, "cache"))
        if not only:
            files.remove_tree(files.join(workdir, stacks.STACKS))
        return held.pop_all()


def _train_here(
    config: ml_collections.ConfigDict,
    workdir: str,
    runs: Sequence[Run],
    devices: tf.distribute.Strategy,
    stack: int,
    load: Callable[[], Dataset],
) -> None:
    """Trains those of `runs` that are missing, teachers first."""
    missing = _missing(workdir, runs)
    # Workers decide as their chief does.
    if not strategy.from_chief(devices, len(missing)):
        print(f"all {len(runs)} runs are already there", flush=True)
        return
    dataset = _load_dataset(config, load, devices)
    rehearsal.rehearse(config, dataset, missing)
    bars = StudyProgress(runs, missing)
    traced, publisher = TracedStep(), Publisher(config, dataset)
    # Every run begins by collecting garbage: half a million objects of the imports need
    # not be looked at each time.
    gc.collect()
    gc.freeze()
    stacked: dict[Run, list[Run]] = {}
    if stack:
        stacked = _stacked(config, dataset, workdir, missing, stack)
    for run in runs:
        if strategy.from_chief(devices, int(layout.is_complete(workdir, run))):
            continue
        if run in stacked:
            _train_stack(config, dataset, workdir, stacked[run], publisher, runs, bars)
            continue
        began = time.monotonic()
        bar = bars.epochs(run, recipe_of(config, run).epochs)
        record = train_run(
            config, dataset, workdir, run, [bar], devices, traced, publisher
        )
        if record:
            missing = _missing(workdir, runs)
            seconds = time.monotonic() - began
            bars.finished(run, seconds, record["val_accuracy"], missing)
    bars.close()


def _stacked(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    missing: Sequence[Run],
    most: int,
) -> dict[Run, list[Run]]:
    """Run -> the runs that are trained together with it; says who is in none."""
    why = stacks.why_single(config, dataset)
    if why:
        print(f"--stack={most}: students are trained one by one, for {why}", flush=True)
        return {}
    plan = stacks.plan(config, workdir, missing, most)
    found = {run: members for members in plan for run in members}
    students = [run for run in missing if run.model != layout.TEACHER]
    alone = len(students) - len(found)
    if alone:
        print(f"--stack={most}: {alone} students have nobody to train with", flush=True)
    return found


def _train_stack(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    members: Sequence[Run],
    publisher: Publisher,
    runs: Sequence[Run],
    bars: StudyProgress,
) -> None:
    with bars.stack(members, config.student.epochs) as epochs:
        made = stacks.train_stack(config, dataset, workdir, members, epochs, publisher)
        for run, record in made:
            missing = _missing(workdir, runs)
            bars.finished(run, record["seconds"], record["val_accuracy"], missing)


def _train_on_cluster(
    config: ml_collections.ConfigDict,
    workdir: str,
    runs: Sequence[Run],
    workers: int,
    scheduler: str,
    load: Callable[[], Dataset],
) -> None:
    """Has those of `runs` that are missing trained by the workers of a cluster."""
    missing = _missing(workdir, runs)
    if not missing:
        print(f"all {len(runs)} runs are already there", flush=True)
        return
    with engine.connected(workers, scheduler) as client:
        # One process prepares a new data set, before the workers read it.
        dataset = _load_dataset(config, load, strategy.make("one_device"))
        rehearsal.rehearse(config, dataset, missing)
        bars = StudyProgress(runs, missing)
        for run, record in engine.train(client, config, workdir, missing):
            missing.remove(run)
            seconds, at_a_time = record["seconds"], len(client.nthreads())
            bars.finished(run, seconds, record["val_accuracy"], missing, at_a_time)
        bars.close()


def _missing(workdir: str, runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if not layout.is_complete(workdir, run)]


def _load_dataset(
    config: ml_collections.ConfigDict,
    load: Callable[[], Dataset],
    devices: tf.distribute.Strategy,
) -> Dataset:
    """Loads the data set; where it is new, one process prepares it before all.

    Damage that cannot be made is refused here, before anything is trained.
    """
    corruption_options.require_words(config)
    print(f"data set {config.dataset.name}", flush=True)
    if strategy.is_chief(devices):
        dataset = load()
    strategy.from_chief(devices, 0)
    return dataset if strategy.is_chief(devices) else load()


def _warn_of_precision(config: ml_collections.ConfigDict) -> None:
    precision = parts.precision(config)
    elsewhere = config.strategy == "tpu"
    if precision != "float32" and not (elsewhere or strategy.has_accelerator()):
        warnings.warn(
            f"config.precision={precision!r} is for GPUs and TPUs; this machine has "
            "neither, and steps may take many times as long. Use config.precision="
            "'float32'.",
            stacklevel=3,
        )
