"""Converts a run's export to LiteRT in four formats, and keeps what they predict."""

import io
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from kd_keras import digests, files, litert
from kd_keras.datasets import Dataset
from pipelines.analysis import quantization
from pipelines.analysis.choice import DEFAULT, run_to_release
from pipelines.analysis.results import read_study
from pipelines.release import candidate
from pipelines.release.candidate import Candidate
from pipelines.studies import config as configs
from pipelines.studies import sealed

REPRESENTATIVE = 200  # Training examples that give int8 its ranges.


def convert(workdir: str, run: str = "") -> str:
    """Writes `<run>/litert/`: a .tflite and a .npz of predictions per format.

    Nothing is done for an export that was converted before.

    Args:
      workdir: the study's working directory.
      run: directory of the run, such as "student-t04/seed0"; empty for the
        recommended one.

    Returns:
      The directory written.

    Raises:
      ValueError: if there is no such run, LiteRT cannot run its export, or a file is
        not what was written.
    """
    config = configs.read_config(workdir)
    dataset = configs.load_dataset(config)
    study = read_study(workdir, dataset.spec)
    found = candidate.find(workdir, run_to_release(study, DEFAULT, run))
    directory = quantization.directory(workdir, found.run)
    if not quantization.is_made_from(directory, found.digest, study.split):
        _write(dataset, study.split, found, directory)
    return directory


def _write(dataset: Dataset, split: str, found: Candidate, directory: str) -> None:
    partial = f"{directory}.partial"
    files.remove_tree(partial)
    formats = {}
    for name in tqdm(litert.FORMATS, desc=f"LiteRT {found.run.title}", disable=None):
        training = list(_features(dataset, "train", REPRESENTATIVE))
        model = litert.convert(found.export, name, training)
        probabilities, milliseconds = litert.predict(model, _features(dataset, split))
        content = io.BytesIO()
        np.savez(content, probabilities=probabilities)
        files.write_bytes(files.join(partial, f"{name}.tflite"), model)
        files.write_bytes(files.join(partial, f"{name}.npz"), content.getvalue())
        formats[name] = {"bytes": len(model), "milliseconds": milliseconds}
    record = {"export_digest": found.digest, "split": split, "formats": formats}
    record["files"] = digests.of_directory(partial)
    sealed.write(files.join(partial, quantization.RECORD), record)
    files.replace_directory(partial, directory, last=quantization.RECORD)


def _features(dataset: Dataset, split: str, take: int = -1) -> Iterator[dict]:
    """The features of single examples, with a batch axis of 1."""
    names = dataset.spec.features
    examples = dataset.splits[split].take(take)
    examples = examples.map(lambda example: {name: example[name] for name in names})
    return iter(examples.batch(1).as_numpy_iterator())
