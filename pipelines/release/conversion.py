"""Converts a run's export to LiteRT in four formats, and keeps what they predict."""

import dataclasses
import io
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kd_keras import digests, files, litert, litert_tables
from kd_keras.datasets import Dataset
from kd_keras.export import save_model
from kd_keras.keras_internals import unread_inputs
from pipelines.analysis import quantization
from pipelines.analysis.choice import run_to_release
from pipelines.analysis.costs import default
from pipelines.analysis.results import read_study, with_mended
from pipelines.release import candidate
from pipelines.release.candidate import Candidate
from pipelines.studies import config as configs
from pipelines.studies import mended_run, run_record, sealed
from pipelines.studies.layout import Run
from pipelines.studies.model_files import load_model
from pipelines.studies.run_record import MODEL_FILE

REPRESENTATIVE = 200  # Training examples that give int8 its ranges.
# The values of each category, whose places a converted model takes.
VOCABULARY = "vocabulary.json"


def convert(workdir: str, run: str = "") -> Run:
    """Writes `<run>/litert/`: a .tflite and a .npz of predictions per format.

    A model of categories takes int32 places in vocabulary.json, which lies beside it;
    0 is a value that training has not seen.

    Nothing is done for an export that was converted before.

    Args:
      workdir: the study's working directory.
      run: directory of the run, such as "student-t04/seed0"; empty for the
        recommended one.

    Returns:
      The run.

    Raises:
      ValueError: if there is no such run, LiteRT cannot run its export, or a file is
        not what was written.
    """
    config = configs.read_config(workdir)
    dataset = configs.load_dataset(config)
    study = with_mended(workdir, read_study(workdir, dataset.spec), run)
    found = candidate.find(workdir, run_to_release(study, default(study), run))
    record = run_record.read(workdir, found.run, config)
    dataset = mended_run.served_dataset(dataset, record)
    directory = quantization.directory(workdir, found.run)
    if not quantization.is_made_from(directory, found.digest, study.split):
        with tempfile.TemporaryDirectory() as local:
            export, words = _without_lookups(workdir, config, dataset, found, local)
            if words:
                features = ", ".join(words)
                print(
                    f"LiteRT: {features} become numbers, see {VOCABULARY}", flush=True
                )
            _write(dataset, study.split, found, export, words, directory)
    return found.run


def _without_lookups(
    workdir: str,
    config: Mapping[str, Any],
    dataset: Dataset,
    found: Candidate,
    local: str,
) -> tuple[str, litert_tables.Vocabulary]:
    """An export that LiteRT can take, and the vocabularies of its categories.

    It is the run's own, or, where there are categories, one made in the directory
    `local`.
    """
    spec = dataset.spec
    if all(f.shape.rank or f.dtype.is_floating for f in spec.features.values()):
        return found.export, {}
    record = run_record.read(workdir, found.run, config)
    model = load_model(run_record.require(workdir, found.run, record, MODEL_FILE))
    names = litert_tables.categories(model)
    texts = {n for n, f in spec.features.items() if f.dtype == tf.string}
    texts -= {*unread_inputs(model)}
    if not names or texts - set(names) or not isinstance(model.input, dict):
        return found.export, {}  # LiteRT says what it cannot convert.
    examples = dataset.splits["train"].map(lambda e: {name: e[name] for name in names})
    words = litert_tables.vocabulary(names, examples.batch(4096).as_numpy_iterator())
    places = {name: tf.TensorSpec((), tf.int32) for name in names}
    other = dataclasses.replace(spec, features={**spec.features, **places})
    export = files.join(local, "export")
    save_model(litert_tables.without_lookups(model, words), other, export)
    return export, words


def _write(
    dataset: Dataset,
    split: str,
    found: Candidate,
    export: str,
    words: litert_tables.Vocabulary,
    directory: str,
) -> None:
    partial = f"{directory}.partial"
    files.remove_tree(partial)
    formats = {}
    for name in tqdm(litert.FORMATS, desc=f"LiteRT {found.run.title}", disable=None):
        training = list(_features(dataset, "train", words, REPRESENTATIVE))
        model = litert.convert(export, name, training)
        examples = _features(dataset, split, words)
        probabilities, milliseconds = litert.predict(model, examples)
        content = io.BytesIO()
        np.savez(content, probabilities=probabilities)
        files.write_bytes(files.join(partial, f"{name}.tflite"), model)
        files.write_bytes(files.join(partial, f"{name}.npz"), content.getvalue())
        formats[name] = {"bytes": len(model), "milliseconds": milliseconds}
        predicted = np.unique(probabilities.argmax(axis=-1))
        if len(predicted) == 1:
            only = dataset.spec.class_names[predicted[0]]
            print(
                f"LiteRT: {name} predicts {only!r} for all {len(probabilities)} "
                "examples: do not ship it, and take its gaps for nothing",
                flush=True,
            )
    if words:
        files.write_json(files.join(partial, VOCABULARY), words)
    record = {"export_digest": found.digest, "split": split, "formats": formats}
    record["files"] = digests.of_directory(partial)
    sealed.write(files.join(partial, quantization.RECORD), record)
    files.replace_directory(partial, directory, last=quantization.RECORD)


def _features(
    dataset: Dataset, split: str, words: litert_tables.Vocabulary, take: int = -1
) -> Iterator[dict[str, np.ndarray]]:
    """The features of single examples, with a batch axis of 1."""
    names = dataset.spec.features
    examples = dataset.splits[split].take(take)
    examples = examples.map(lambda example: {name: example[name] for name in names})
    for example in examples.batch(1).as_numpy_iterator():
        yield litert_tables.indices(words, example)
