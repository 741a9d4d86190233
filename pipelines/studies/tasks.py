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
from pipelines.studies import (
    attempts,
    cache,
    layout,
    own_code,
    own_random,
    run_record,
)
from pipelines.studies.config import load_dataset, to_dict
from pipelines.studies.layout import Run
from pipelines.studies.model_files import load_teacher
from pipelines.studies.publisher import Publisher
from pipelines.studies.runs import train_run
from pipelines.studies.traced import TracedStep

T = TypeVar("T")


class _Study(NamedTuple):
    """What a worker keeps between the tasks of a study."""

    config: ml_collections.ConfigDict
    devices: tf.distribute.Strategy
    dataset: Dataset
    traced: TracedStep
    publisher: Publisher


def described(config: ml_collections.ConfigDict) -> str:
    """A config as a task gets it: JSON, with the folders of the modules it names."""
    folders = own_code.folders(config)
    return json.dumps({"config": to_dict(config), "module_path": folders})


def train(
    config: str,
    workdir: str,
    model: str,
    seed: int,
    temperature: float | None,
    method: str,
    *after: None,
) -> dict[str, Any]:
    """Makes a run that is not there yet.

    Args:
      config: what `described` has made of the study's config.
      workdir: the study's working directory, as this worker sees it.
      model, seed, temperature, method: the fields of a `Run`.
      *after: what the tasks gave that come before it.

    Returns:
      What run.json holds.
    """
    run = Run(model, seed, temperature, method)
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
            publisher=made.publisher,
        )

    return _once_more(attempt)


def make_cache(config: str, workdir: str, seed: int, *after: object) -> None:
    """Makes the teacher cache of a seed; arguments as in `train`."""
    made = _study(config)

    def load() -> Any:
        return load_teacher(made.config, workdir, seed)

    _once_more(lambda: cache.ensure(made.config, made.dataset, workdir, seed, load))


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
    told = json.loads(config)
    locked = ml_collections.ConfigDict(told["config"]).lock()
    # The coordinator has made it, or been told that it may be run.
    own_code.admit(locked, told["module_path"])
    devices = strategy.make(locked.strategy)  # Before TensorFlow computes anything.
    dataset = load_dataset(locked)
    publisher = Publisher(locked, dataset)
    return _Study(locked, devices, dataset, TracedStep(), publisher)
