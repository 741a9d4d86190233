"""Distils a SavedModel on TFRecords of tf.Examples, as TFX's Trainer would."""

import json
import types
from collections.abc import Sequence

from absl import flags

from pipelines.cli import start

TRAIN_FILES = flags.DEFINE_multi_string(
    "train_files", None, "Patterns of the training TFRecords of tf.Examples."
)
EVAL_FILES = flags.DEFINE_multi_string(
    "eval_files", None, "Patterns of the evaluation TFRecords of tf.Examples."
)
SCHEMA = flags.DEFINE_string("schema", None, "TFX's schema.pbtxt of the tf.Examples.")
BASE_MODEL = flags.DEFINE_string("base_model", None, "SavedModel of the teacher.")
SERVING_MODEL_DIR = flags.DEFINE_string(
    "serving_model_dir", None, "Where the student's SavedModel is written."
)
TRAIN_STEPS = flags.DEFINE_integer("train_steps", 1000, "Batches to train on.")
CUSTOM_CONFIG = flags.DEFINE_string(
    "custom_config", "{}", "JSON; see `pipelines.tfx.run_fn.run_fn`."
)

NEEDED = ("train_files", "eval_files", "schema", "base_model", "serving_model_dir")


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.tfx.run_fn import run_fn

    run_fn(
        types.SimpleNamespace(
            train_files=TRAIN_FILES.value,
            eval_files=EVAL_FILES.value,
            train_steps=TRAIN_STEPS.value,
            eval_steps=None,
            schema_path=SCHEMA.value,
            base_model=BASE_MODEL.value,
            serving_model_dir=SERVING_MODEL_DIR.value,
            model_run_dir=None,
            hyperparameters=None,
            custom_config=json.loads(CUSTOM_CONFIG.value),
        )
    )
    print(f"written to {SERVING_MODEL_DIR.value}")


if __name__ == "__main__":
    start.run(main, needs=NEEDED)
