"""What the workers of a cluster run: plain functions with plain arguments."""

import functools
import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import distributed
import ml_collections
import tensorflow as tf
from absl import logging

from kd_keras import strategy
from kd_keras.datasets import Dataset
from pipelines.studies import attempts, cache, layout, own_random, run_record
from pipelines.studies.config import load_dataset
from pipelines.studies.layout import Run
from pipelines.studies.runs import load_teacher, train_run
from pipelines.studies.traced import TracedStep

T = TypeVar("T")


class _Study(NamedTuple):
    """What a worker keeps between the tasks of a study."""

    config: ml_collections.ConfigDict
    devices: tf.distribute.Strategy
    dataset: Dataset
    traced: TracedStep


def train(
    config: str,
    workdir: str,
    model: str,
    seed: int,
    temperature: float | None,
    *after: None,
) -> dict[str, Any]:
    """Makes a run that is not there yet.

    Args:
      config: the study's config, in JSON.
      workdir: the study's working directory, as this worker sees it.
      model, seed, temperature: the fields of a `Run`.
      *after: what the tasks gave that come before it.

    Returns:
      What run.json holds.
    """
    run = Run(model, seed, temperature)
    made = _study(config)
    if layout.is_complete(workdir, run):  # By a worker that was lost afterwards.
        return run_record.read(workdir, run, made.config)

    def attempt() -> dict[str, Any]:
        return train_run(
            made.config,
            made.dataset,
            workdir,
            run,
            devices=made.devices,
            traced=made.traced,
        )

    return _once_more(attempt)


def make_cache(config: str, workdir: str, seed: int, *after: object) -> None:
    """Makes the teacher cache of a seed; arguments as in `train`."""
    made = _study(config)
    teacher = load_teacher(made.config, workdir, seed)
    _once_more(lambda: cache.ensure(made.config, made.dataset, workdir, seed, teacher))


def _once_more(attempt: Callable[[], T]) -> T:
    """Takes back what a task of a coordinator that has ended takes over.

    That one then finds its mark gone, and stops.
    """
    try:
        return attempt()
    except attempts.TakenOverError:
        return attempt()


@functools.lru_cache(maxsize=1)
def _study(config: str) -> _Study:
    threads = distributed.get_worker().state.nthreads
    if threads != 1:
        raise ValueError(
            "A worker must train one model at a time, since TensorFlow's seeds are "
            f"those of the process. Received: a worker with {threads} threads. Start "
            "workers with --nthreads=1."
        )
    own_random.separate()
    logging.set_verbosity(logging.ERROR)
    locked = ml_collections.ConfigDict(json.loads(config)).lock()
    devices = strategy.make(locked.strategy)  # Before TensorFlow computes anything.
    return _Study(locked, devices, load_dataset(locked), TracedStep())
