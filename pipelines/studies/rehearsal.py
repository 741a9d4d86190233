"""Tries what a config names of one's own on one batch, before anything is trained."""

import traceback
from collections.abc import Sequence
from typing import Any

import keras
import ml_collections
import tensorflow as tf

from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import training_batches
from kd_keras.distiller.settings import check_student
from pipelines.studies import layout, mending, methods, own_code, trainers

EXAMPLES = 2


def rehearse(
    config: ml_collections.ConfigDict, dataset: Dataset, missing: Sequence[layout.Run]
) -> None:
    """Trains a teacher and a student on one tiny batch, and forgets both.

    Only where the config names code of one's own, hints, or a method that mends: all
    else is known to run.

    Args:
      config: the study's config.
      dataset: its data set.
      missing: the runs to be made, whose methods are tried.

    Raises:
      ValueError: if a model does not give logits, cannot be loaded again, or anything
        goes wrong.
    """
    tried = list(dict.fromkeys(r.method for r in missing if r.model == layout.DS))
    mends = [method for method in tried if method != layout.PLAIN]
    if not (own_code.names(config) or config.get("hints") or mends):
        return
    print("trying the config's own code on one batch", flush=True)
    try:
        _try(config, dataset, tried)
    except Exception as error:  # Whatever one's own code raises.
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise ValueError(
            "The models of the config cannot be trained: "
            f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})"
        ) from error
    finally:
        keras.backend.clear_session()


def _try(
    config: ml_collections.ConfigDict, dataset: Dataset, tried: Sequence[str]
) -> None:
    seed = config.seeds[0]
    teacher = trainers.build_model(config.teacher, dataset)
    student = trainers.build_model(config.student, dataset)
    for role, model in (("teacher", teacher), ("student", student)):
        _check(role, model, dataset)
    temperature = (config.temperatures or (1.0,))[0]
    for run in (
        layout.Run(layout.TEACHER, seed),
        *(layout.Run(layout.DS, seed, temperature, method) for method in tried),
    ):
        recipe = trainers.recipe_of(config, run)
        made = methods.changes(
            mending.Given(config, dataset, lambda: teacher), run.method
        )
        trainer = trainers.compiled(config, dataset, run, teacher, made=made)
        batches = training_batches(
            methods.applied(dataset, made).splits["train"].take(EXAMPLES),
            dataset.spec,
            batch_size=EXAMPLES,
            seed=seed,
            epoch=tf.Variable(0, dtype=tf.int64, trainable=False),
            shuffle_buffer=EXAMPLES,
            augmentation=recipe.augmentation,
        )
        trainer.fit(batches, shuffle=False, verbose=0)


def _check(role: str, model: Any, dataset: Dataset) -> None:
    classes = dataset.spec.num_classes
    shape = getattr(model, "output_shape", None)
    if shape is not None and shape != (None, classes):
        raise ValueError(
            f"--config.{role}.model must give logits [batch, {classes}]. Received: "
            f"outputs {shape}."
        )
    check_student(model)
    try:
        keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(model), safe_mode=True
        )
    except Exception as error:  # Of many kinds.
        raise ValueError(
            f"--config.{role}.model could not be loaded again: {error}. Register its "
            "own layers with @keras.saving.register_keras_serializable()."
        ) from error
