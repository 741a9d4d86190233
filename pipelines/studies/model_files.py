"""The .keras files of a study's runs."""

import zipfile

import keras
import ml_collections
import tensorflow as tf

from kd_keras import files, models, strategy
from pipelines.studies import layout, run_record
from pipelines.studies.layout import Run
from pipelines.studies.run_record import MODEL_FILE


def save_model(
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
