"""Trains, exports and records one run of a study."""

import contextlib
import functools
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import ml_collections
import tensorflow as tf

from kd_keras import files, strategy, training
from kd_keras.callbacks import FairnessMonitor
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import without_autotune
from kd_keras.teacher_cache import TeacherCache
from pipelines.studies import (
    attempts,
    attributes,
    interval_options,
    layout,
    mending,
    methods,
    own_code,
    run_record,
)
from pipelines.studies import cache as teacher_caches
from pipelines.studies.layout import Run
from pipelines.studies.model_files import load_teacher, save_model
from pipelines.studies.publisher import Publisher
from pipelines.studies.run_record import MODEL_FILE
from pipelines.studies.traced import TracedStep
from pipelines.studies.trainers import compiled, recipe_of


def train_run(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    run: Run,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    devices: tf.distribute.Strategy | None = None,
    traced: TracedStep | None = None,
    publisher: Publisher | None = None,
) -> dict[str, Any]:
    """Makes the directory of one run; a killed call is continued by the next one.

    Everything is written to a directory of an attempt, see `attempts`, which becomes
    the run's directory when it is whole. A run that is there by then stays.

    Args:
      config: the study's config.
      dataset: with the splits train, validation and test.
      workdir: the study's working directory; a distilled student needs its seed's
        teacher there.
      run: what to train.
      callbacks: further Keras callbacks.
      devices: what trains the model; None for one device. Where it has several
        workers, all have to call this function, and the chief makes the directory.
      traced: the step that the runs of a process share; None for a new one.
      publisher: what writes the runs of a process; None for a new one.

    Returns:
      What run.json holds; nothing to a worker that is not the chief.

    Raises:
      TakenOverError: if another process has taken the run over.
    """
    directory = layout.run_dir(workdir, run)
    recipe = recipe_of(config, run)
    began = time.monotonic()
    devices = devices or tf.distribute.get_strategy()

    trainer = _again(config, workdir, run, traced)
    if trainer is None:
        keras.backend.clear_session(free_memory=False)
    gc.collect()
    load = functools.cache(lambda: _load_for(config, workdir, run.seed, devices))
    if run.model == layout.DS and not strategy.is_one_device(devices):
        load()  # Outside of their scope.
    partial = attempts.begin(directory, devices)
    taught, caches = taught_by(config, dataset, workdir, run, load, devices)
    cache = caches[1] if caches else None
    with devices.scope():
        made = methods.changes(mending.Given(config, dataset, load), run.method)
        if trainer is None:
            in_step = None if cache or run.model != layout.DS else load()
            trainer = compiled(config, dataset, run, in_step, devices, made)
            del in_step
            # Without an epoch there is no step to trace.
            if traced and recipe.epochs:
                taught_by_cache = cache.identity.teacher if cache else ""
                trainer = traced.take(trainer, run, taught_by_cache)
    del load  # Whoever still needs the teacher has it.
    history = training.fit(
        trainer,
        methods.applied(taught, made),
        directory=partial,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=run.seed,
        augmentation=recipe.augmentation,
        # Students without a teacher see the views that the others see.
        views=0 if run.model == layout.TEACHER else config.teacher_cache_views,
        shuffle_buffer=recipe.shuffle_buffer,
        cache=cache,
        callbacks=[
            # Before TensorBoard, which draws what the logs hold.
            *monitors(config, taught, recipe.epochs, devices),
            EpochBoard(files.join(partial, "tensorboard"), write_graph=False),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda *_: attempts.check(partial)
            ),
            *callbacks,
        ]
        if strategy.is_chief(devices)
        else [],
    )
    if not strategy.is_chief(devices):
        return {}
    model = save_model(
        getattr(trainer, "student", trainer), files.join(partial, MODEL_FILE), devices
    )
    about = {
        "seconds": round(time.monotonic() - began, 1),
        "val_accuracy": history[-1]["val_accuracy"],
        "teacher": _teacher_fingerprint(run, trainer, cache),
    }
    publisher = publisher or Publisher(config, dataset)
    record = publisher.write(run, partial, model, about)
    files.remove_tree(files.join(partial, training.BACKUP))
    attempts.publish(partial, directory, last=layout.RUN_FILE)
    return record


def _again(
    config: ml_collections.ConfigDict,
    workdir: str,
    run: Run,
    traced: TracedStep | None,
) -> keras.Model | None:
    """The untrained model of a run, if the last one was of the same kind and seed."""
    # Code of one's own may draw from TensorFlow's global generator.
    if traced is None or own_code.names(config):
        return None
    teacher = Run(layout.TEACHER, run.seed)
    return traced.again(
        run, lambda: run_record.read(workdir, teacher, config)["weights"]
    )


def _load_for(
    config: ml_collections.ConfigDict,
    workdir: str,
    seed: int,
    devices: tf.distribute.Strategy,
) -> keras.Model:
    """The teacher where it runs: on one device to fill a cache, on all in a step."""
    with contextlib.nullcontext() if config.teacher_cache else devices.scope():
        return load_teacher(config, workdir, seed)


class EpochBoard(keras.callbacks.TensorBoard):
    """Without the scalars of each batch, which Keras makes and then throws away."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, None)


def monitors(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    epochs: int,
    devices: tf.distribute.Strategy,
) -> list[keras.callbacks.Callback]:
    """Measures the fairness of some ten epochs, where there are groups.

    A measurement is another pass over the validation split, without the teacher: at
    every epoch of a short training it would be felt. The chief of several workers
    cannot make it alone.
    """
    if not dataset.spec.groups or strategy.has_workers(devices):
        return []
    validation = without_autotune(dataset.splits["validation"].batch(256).prefetch(2))
    monitor = FairnessMonitor(
        validation,
        dataset.spec,
        every=max(1, -(-epochs // 10)),
        run_teacher=False,
        attributes=(*dataset.spec.groups, *attributes.crossings(config)),
        min_examples=interval_options.min_examples(config),
    )
    return [monitor]


def taught_by(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    run: Run,
    load: Callable[[], keras.Model] | None = None,
    devices: tf.distribute.Strategy | None = None,
) -> tuple[Dataset, tuple[TeacherCache, TeacherCache] | None]:
    """For a distilled student the logits of its teacher.

    Where no task has stored them before, the seed's first distilled student does.

    Args:
      config: the study's config.
      dataset: its data set.
      workdir: its working directory.
      run: any run.
      load: gives its teacher; None to read it from the working directory.
      devices: as of `train_run`.

    Returns:
      The data set, with the logits in its validation split; the caches of the splits
      validation and train. As it was, and None, where there are none.
    """
    if run.model != layout.DS or not config.teacher_cache:
        return dataset, None
    load = load or functools.partial(load_teacher, config, workdir, run.seed)
    caches = teacher_caches.ensure(config, dataset, workdir, run.seed, load, devices)
    joined = caches[0].join(dataset.splits["validation"])
    return Dataset(dataset.spec, {**dataset.splits, "validation": joined}), caches


def _teacher_fingerprint(
    run: Run, trainer: keras.Model, cache: TeacherCache | None
) -> str | None:
    if run.model != layout.DS:
        return None
    return cache.identity.teacher if cache else trainer.teacher_fingerprint
