"""Trains, exports and records one run of a study."""

import contextlib
import functools
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import ml_collections
import tensorflow as tf

from kd_keras import Distiller, files, models, strategy, training
from kd_keras.callbacks import FairnessMonitor
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import without_autotune
from kd_keras.distiller.supervised import Supervised
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.export import save_model
from kd_keras.teacher_cache import TeacherCache
from pipelines.studies import (
    attempts,
    attributes,
    interval_options,
    layout,
    made_by,
    mending,
    methods,
    parts,
    predictions,
    run_record,
)
from pipelines.studies import cache as teacher_caches
from pipelines.studies import config as configs
from pipelines.studies.card import model_card
from pipelines.studies.layout import Run
from pipelines.studies.run_record import MODEL_FILE
from pipelines.studies.traced import TracedStep


def train_run(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    run: Run,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    devices: tf.distribute.Strategy | None = None,
    traced: TracedStep | None = None,
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

    Returns:
      What run.json holds; nothing to a worker that is not the chief.

    Raises:
      TakenOverError: if another process has taken the run over.
    """
    directory = layout.run_dir(workdir, run)
    recipe = recipe_of(config, run)
    began = time.monotonic()
    devices = devices or tf.distribute.get_strategy()

    keras.backend.clear_session()
    load = functools.cache(lambda: _load_for(config, workdir, run.seed, devices))
    if run.model == layout.DS and not strategy.is_one_device(devices):
        load()  # Outside of their scope.
    partial = attempts.begin(directory, devices)
    taught, caches = taught_by(config, dataset, workdir, run, load, devices)
    cache = caches[1] if caches else None
    with devices.scope():
        made = methods.changes(mending.Given(config, dataset, load), run.method)
        in_step = None if cache or run.model != layout.DS else load()
        trainer = compiled(config, dataset, run, in_step, devices, made)
    del load, in_step  # Whoever still needs the teacher has it.
    # Without an epoch there is no step to trace.
    if traced and recipe.epochs:
        trainer = traced.take(trainer, f"{run.model} {run.method}")
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
    model = _save(
        getattr(trainer, "student", trainer), files.join(partial, MODEL_FILE), devices
    )
    about = {
        "seconds": round(time.monotonic() - began, 1),
        "val_accuracy": history[-1]["val_accuracy"],
        "teacher": _teacher_fingerprint(run, trainer, cache),
    }
    record = write_record(config, dataset, run, partial, model, about)
    files.remove_tree(files.join(partial, training.BACKUP))
    attempts.publish(partial, directory, last=layout.RUN_FILE)
    return record


def write_record(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    run: Run,
    partial: str,
    model: keras.Model,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Writes predictions, export and run.json of a trained model that is saved.

    Args:
      config: the study's config.
      dataset: its data set.
      run: what was trained.
      partial: the directory of the attempt.
      model: what was trained, as one device has it.
      about: what only the training knows: "seconds", "val_accuracy" and "teacher", the
        fingerprint of the teacher, or None.

    Returns:
      What run.json holds.
    """
    recipe = recipe_of(config, run)
    record = {
        "model": run.model,
        "temperature": run.temperature,
        "seed": run.seed,
        **run_record.of_method(run, config),
        "architecture": recipe.model,
        "parameters": model.count_params(),
        "epochs": recipe.epochs,
        "weights": fingerprint([Teacher(model)]),
        **about,
    }
    _export(config, dataset, partial, model, record)
    return run_record.write(partial, run, config, record)


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


def recipe_of(config: ml_collections.ConfigDict, run: Run) -> ml_collections.ConfigDict:
    """What the run's model is made and trained by."""
    return config.teacher if run.model == layout.TEACHER else config.student


def _export(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    partial: str,
    model: keras.Model,
    record: dict[str, Any],
) -> None:
    """Writes predictions and export."""
    found = {s: predictions.predict(model, dataset, s) for s in predictions.SPLITS}
    for split, of_split in found.items():
        predictions.write(partial, split, of_split)
    card = model_card(
        {"config": configs.to_dict(config), **made_by.current()},
        dataset.spec,
        record,
        found[config.evaluation.split],
        record["teacher"],
    )
    save_model(model, dataset.spec, files.join(partial, "export", "1"), card)


def _save(
    model: keras.Model, path: str, devices: tf.distribute.Strategy
) -> keras.Model:
    """Writes the model; returns it, as one device has it."""
    with files.written_locally(path, ".keras") as local:
        model.save(local)
    if strategy.is_one_device(devices):
        return model
    return load_model(path)


def load_model(path: str) -> keras.Model:
    """Loads a .keras file, to be used and not to be trained on."""
    with files.read_locally(path, ".keras") as local:
        return keras.models.load_model(local, compile=False)


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


def compiled(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    run: Run,
    teacher: keras.Model | None,
    devices: tf.distribute.Strategy | None = None,
    made: mending.Changes = mending.NOTHING,
    own_step: bool = False,
) -> keras.Model:
    """The model to fit: the one to keep, or what has that one as its student.

    A teacher that is given is run in every step. With `own_step` there always is one
    that has a student.
    """
    recipe = recipe_of(config, run)
    # After the teacher is there: nds and ds(T) of a seed begin with the same weights.
    keras.utils.set_random_seed(run.seed)
    trainer = model = build_model(recipe, dataset)
    if run.model == layout.DS:
        own = {
            "alpha": config.alpha,
            "soft_loss": parts.soft_loss(config),
            "hints": parts.hints(config),
        }
        trainer = Distiller(
            student=model,
            teacher=teacher,
            temperature=run.temperature,
            scale_by_temperature_squared=config.scale_by_temperature_squared,
            **{**own, **made.distiller},
        )
    elif own_step or (devices and not strategy.is_one_device(devices)):
        trainer = Supervised(model)
    steps = training.steps_per_epoch(dataset, recipe.batch_size)
    trainer.compile(
        optimizer=training.optimizer(
            recipe.optimizer,
            learning_rate=recipe.learning_rate,
            schedule=recipe.schedule,
            total_steps=steps * recipe.epochs,
            warmup_steps=round(steps * recipe.warmup_epochs),
            **recipe.optimizer_options,
        ),
        loss=made.loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy("accuracy"),
            *parts.metrics(config),
        ],
        jit_compile=False,  # XLA is slower on CPUs.
    )
    return trainer


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


def build_model(recipe: ml_collections.ConfigDict, dataset: Dataset) -> keras.Model:
    """The untrained model of a recipe, for the features and classes of a data set."""
    spec = dataset.spec
    first, *others = spec.features.values()
    # One number or category is a table, one string may be a text.
    is_table = others or (first.shape.rank == 0 and first.dtype != tf.string)
    model = models.build(
        recipe.model,
        spec.features if is_table else tuple(first.shape),
        spec.num_classes,
        pretrained=recipe.pretrained,
        **recipe.model_options,
    )
    if not model.built:
        model(
            spec.inputs(
                {k: tf.zeros((1, *f.shape), f.dtype) for k, f in spec.features.items()}
            )
        )
    return model


def load_teacher(
    config: ml_collections.ConfigDict, workdir: str, seed: int
) -> keras.Model:
    """The trained teacher of a seed, which its students cannot do without."""
    run = Run(layout.TEACHER, seed)
    advice = run_record.advice(workdir, run)
    try:
        record = run_record.read(workdir, run, config)
        path = run_record.require(workdir, run, record, MODEL_FILE)
    except ValueError as error:
        raise ValueError(f"Seed {seed} needs its teacher: {error}") from error
    try:
        return models.fuse_batch_normalization(load_model(path), inference=True)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"Seed {seed} needs its teacher {path}, which cannot be read: {error}. "
            f"{advice}"
        ) from error


def _teacher_fingerprint(
    run: Run, trainer: keras.Model, cache: TeacherCache | None
) -> str | None:
    if run.model != layout.DS:
        return None
    return cache.identity.teacher if cache else trainer.teacher_fingerprint
