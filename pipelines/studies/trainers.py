"""The untrained models of a study's runs, and what trains them."""

import contextlib
from collections.abc import Iterator

import keras
import ml_collections
import tensorflow as tf

from kd_keras import Distiller, models, strategy, training
from kd_keras.datasets import Dataset
from kd_keras.distiller.supervised import Supervised
from pipelines.studies import layout, mending, parts
from pipelines.studies.layout import Run


def recipe_of(config: ml_collections.ConfigDict, run: Run) -> ml_collections.ConfigDict:
    """What the run's model is made and trained by."""
    return config.teacher if run.model == layout.TEACHER else config.student


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
    # After the teacher is there: nds and ds(T) of a seed begin with the same weights.
    keras.utils.set_random_seed(run.seed)
    with _precision(parts.precision(config)):
        return _compiled(config, dataset, run, teacher, devices, made, own_step)


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    """In which models compute in this precision; Keras scales float16's loss."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _compiled(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    run: Run,
    teacher: keras.Model | None,
    devices: tf.distribute.Strategy | None,
    made: mending.Changes,
    own_step: bool,
) -> keras.Model:
    recipe = recipe_of(config, run)
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
        # XLA is slower on processors, and drops the check of the teacher's numbers.
        jit_compile=False,
    )
    return trainer


def build_model(recipe: ml_collections.ConfigDict, dataset: Dataset) -> keras.Model:
    """The untrained model of a recipe, for the features and classes of a data set."""
    spec = dataset.spec
    first, *others = spec.features.values()
    # One number or category is a table, one string may be a text, and one vector is
    # whatever the architecture takes.
    is_table = (
        others
        or recipe.model in models.TABULAR
        or (first.shape.rank == 0 and first.dtype != tf.string)
    )
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
