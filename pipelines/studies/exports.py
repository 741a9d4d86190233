"""The exported SavedModels of a study's runs."""

import hashlib

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from kd_keras import files

SIGNATURE = "serving_default"
# In run.json: the export that the predictions are of.
EXPORT_DIGEST = "export_digest"


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


def digest(export: str) -> str:
    """Identifies a SavedModel by its graph and its variables' checksums."""
    content = hashlib.sha256()
    for part in ("saved_model.pb", "variables/variables.index"):
        content.update(files.read_bytes(files.join(export, part)))
    return content.hexdigest()


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
    signatures = saved_model.meta_graphs[0].signature_def
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
