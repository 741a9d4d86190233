"""The exported SavedModels of a study's runs."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from kd_keras import files
from pipelines.studies import layout, run_record, sealed
from pipelines.studies.layout import Run

SIGNATURE = "serving_default"


def latest(run_dir: str) -> str:
    """The highest version below `<run_dir>/export`; ValueError if there is none."""
    directory = files.join(run_dir, "export")
    names = files.gfile.listdir(directory) if files.exists(directory) else []
    versions = [int(n) for n in (name.strip("/") for name in names) if n.isdigit()]
    path = files.join(directory, str(max(versions, default=0)))
    for part in ("saved_model.pb", "variables/variables.index"):
        if not files.exists(files.join(path, part)):
            raise ValueError(_broken(run_dir, f"{files.join(path, part)} is missing"))
    return path


def verify(workdir: str, run: Run, record: Mapping[str, Any]) -> tuple[str, str]:
    """Compares every file of a run's export with run.json.

    Args:
      workdir: the study's working directory.
      run: the run.
      record: its run.json.

    Returns:
      The path of the SavedModel, and what identifies it.

    Raises:
      ValueError: if a file is missing, changed or not the run's.
    """
    path = latest(layout.run_dir(workdir, run))
    expected = run_record.of_export(record, path.rpartition("/")[2])
    sealed.require_directory(path, expected, run_record.advice(workdir, run))
    return path, sealed.of_json(expected)


def check(run_dir: str, export: str) -> None:
    """Raises a ValueError if the SavedModel cannot be read or used."""
    try:
        saved_model = SavedModel.FromString(
            files.read_bytes(files.join(export, "saved_model.pb"))
        )
        reader = tf.train.load_checkpoint(files.join(export, "variables/variables"))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)  # Compares the checksum.
    except Exception as error:  # protobuf and TensorFlow have no common base.
        raise ValueError(_broken(run_dir, f"{export}: {error}")) from error
    graphs = saved_model.meta_graphs
    signatures = graphs[0].signature_def if graphs else {}
    if SIGNATURE not in signatures or list(signatures[SIGNATURE].inputs) != [
        "examples"
    ]:
        raise ValueError(
            _broken(
                run_dir,
                f"{export} has no signature {SIGNATURE!r} with the input 'examples'",
            )
        )


def _broken(run_dir: str, problem: str) -> str:
    return (
        f"The export of {run_dir} cannot be used: {problem}. Delete the directory "
        f"{run_dir} and run the study again."
    )
