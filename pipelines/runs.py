"""Trains, exports and records one run of a study."""

import io
import time
from collections.abc import Sequence
from typing import Any

import keras
import ml_collections
import numpy as np

from kd_keras import Distiller, files, models, teacher_cache, training
from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import evaluation_batches
from kd_keras.export import save_model
from pipelines import workdir as layout
from pipelines.config import CONFIG_FILE
from pipelines.evaluation import exports
from pipelines.release.candidate import EXPORT_DIGEST
from pipelines.release.card import model_card
from pipelines.workdir import Run

MODEL_FILE = "model.keras"


def train_run(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    run: Run,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, Any]:
    """Makes the directory of one run; a killed call is continued by the next one.

    Everything is written to `<run>.partial`, which becomes the run's directory when
    it is whole.

    Args:
      config: the study's config.
      dataset: with the splits train, validation and test.
      workdir: the study's working directory; a distilled student needs its seed's
        teacher there.
      run: what to train.
      callbacks: further Keras callbacks.

    Returns:
      What run.json holds.
    """
    directory = layout.run_dir(workdir, run)
    partial = f"{directory}.partial"
    recipe = config.teacher if run.model == layout.TEACHER else config.student
    began = time.monotonic()

    trainer, model = _compiled(config, dataset, workdir, run)
    files.gfile.makedirs(partial)
    history = training.fit(
        trainer,
        _taught(config, dataset, workdir, run, trainer),
        directory=partial,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=run.seed,
        augmentation=recipe.augmentation,
        shuffle_buffer=recipe.shuffle_buffer,
        callbacks=[
            keras.callbacks.TensorBoard(
                files.join(partial, "tensorboard"), write_graph=False
            ),
            *callbacks,
        ],
    )
    model.save(files.join(partial, MODEL_FILE))
    record = {
        "model": run.model,
        "temperature": run.temperature,
        "seed": run.seed,
        "architecture": recipe.model,
        "parameters": model.count_params(),
        "epochs": recipe.epochs,
        "seconds": round(time.monotonic() - began, 1),
        "val_accuracy": history[-1]["val_accuracy"],
    }
    predictions = _save_predictions(model, dataset, partial)
    card = model_card(
        files.read_json(files.join(workdir, CONFIG_FILE)),
        dataset.spec,
        record,
        predictions[config.evaluation.split],
        trainer.teacher_fingerprint if run.model == layout.DS else None,
    )
    path = files.join(partial, "export", "1")
    save_model(model, dataset.spec, path, card)
    # Says which export the predictions are of.
    record[EXPORT_DIGEST] = exports.digest(path)
    files.write_json(files.join(partial, layout.RUN_FILE), record)
    files.remove_tree(files.join(partial, training.BACKUP))
    files.replace_directory(partial, directory)
    return record


def _compiled(
    config: ml_collections.ConfigDict, dataset: Dataset, workdir: str, run: Run
) -> tuple[keras.Model, keras.Model]:
    """The model to fit, and the model to keep: the same unless it is distilled."""
    keras.backend.clear_session()
    teacher = _teacher(workdir, run) if run.model == layout.DS else None
    recipe = config.teacher if run.model == layout.TEACHER else config.student
    # After the teacher is there: nds and ds(T) of a seed begin with the same weights.
    keras.utils.set_random_seed(run.seed)
    model = _build(recipe, dataset)
    trainer = model
    if teacher is not None:
        trainer = Distiller(
            model,
            teacher,
            temperature=run.temperature,
            alpha=config.alpha,
            scale_by_temperature_squared=config.scale_by_temperature_squared,
        )
    steps = training.steps_per_epoch(dataset, recipe.batch_size)
    trainer.compile(
        optimizer=training.optimizer(
            recipe.optimizer,
            learning_rate=recipe.learning_rate,
            schedule=recipe.schedule,
            total_steps=steps * recipe.epochs,
            **recipe.optimizer_options,
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,  # XLA is slower on CPUs.
    )
    return trainer, model


def _taught(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    run: Run,
    trainer: keras.Model,
) -> Dataset:
    """The data set, for a distilled student with its teacher's logits.

    The seed's first distilled student stores them; the others read what it stored.
    """
    if run.model != layout.DS or not config.teacher_cache:
        return dataset
    root = layout.run_dir(workdir, Run(layout.TEACHER, run.seed))
    splits = dict(dataset.splits)
    for split in ("train", "validation"):
        cache = teacher_cache.build(
            files.join(root, "cache", split),
            trainer.teacher,
            splits[split],
            dataset.spec,
            storage=config.teacher_cache,
        )
        splits[split] = cache.join(splits[split])
    return Dataset(dataset.spec, splits)


def _build(recipe: ml_collections.ConfigDict, dataset: Dataset) -> keras.Model:
    spec = dataset.spec
    first, *others = spec.features.values()
    return models.build(
        recipe.model,
        spec.features if others else tuple(first.shape),
        spec.num_classes,
        pretrained=recipe.pretrained,
        **recipe.model_options,
    )


def _teacher(workdir: str, run: Run) -> keras.Model:
    directory = layout.run_dir(workdir, Run(layout.TEACHER, run.seed))
    path = files.join(directory, MODEL_FILE)
    if not files.exists(path):
        raise ValueError(
            f"{run.title} needs its teacher {path}, which is missing. Delete "
            f"{directory} and run the study again to train it."
        )
    return keras.models.load_model(path)


def _save_predictions(
    model: keras.Model, dataset: Dataset, directory: str
) -> dict[str, dict[str, np.ndarray]]:
    """Writes predictions/{validation,test}.npz; returns their arrays by split."""
    predictions = {}
    for split in ("validation", "test"):
        predictions[split] = _predictions(model, dataset, split)
        content = io.BytesIO()
        np.savez(content, **predictions[split])
        path = files.join(directory, "predictions", f"{split}.npz")
        files.write_bytes(path, content.getvalue())
    return predictions


def _predictions(
    model: keras.Model, dataset: Dataset, split: str
) -> dict[str, np.ndarray]:
    """The split's ids, labels and groups beside the model's logits."""
    spec, examples = dataset.spec, dataset.splits[split]
    keys = (spec.label, spec.example_id, *spec.groups)
    columns = next(
        examples.map(lambda example: {key: example[key] for key in keys})
        .batch(int(examples.cardinality()))
        .as_numpy_iterator()
    )
    logits = model.predict(evaluation_batches(examples, spec), verbose=0)
    return {
        "id": columns[spec.example_id].astype("S"),
        "label": columns[spec.label],
        "logits": logits.astype(np.float32),
        **{f"group_{name}": columns[name] for name in spec.groups},
    }
