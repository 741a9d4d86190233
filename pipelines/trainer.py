"""Distils a SavedModel on TFRecords of tf.Examples, as TFX's Trainer would."""

import json
import types
from collections.abc import Sequence

from absl import flags

from pipelines.cli import start

NEEDED = ("train_files", "eval_files", "schema", "base_model", "serving_model_dir")
_PATTERNS = "Patterns of the {} TFRecords of tf.Examples."

flags.DEFINE_multi_string("train_files", None, _PATTERNS.format("training"))
flags.DEFINE_multi_string("eval_files", None, _PATTERNS.format("evaluation"))
flags.DEFINE_string("schema", None, "TFX's schema.pbtxt of the tf.Examples.")
flags.DEFINE_string("base_model", None, "SavedModel of the teacher.")
flags.DEFINE_string(
    "serving_model_dir", None, "Where the student's SavedModel is written."
)
TRAIN_STEPS = flags.DEFINE_integer("train_steps", 1000, "Batches to train on.")
CUSTOM_CONFIG = flags.DEFINE_string(
    "custom_config", "{}", "JSON; see `pipelines.tfx.run_fn.run_fn`."
)


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.tfx.run_fn import run_fn

    given = {name: flags.FLAGS[name].value for name in NEEDED}
    fn_args = types.SimpleNamespace(
        schema_path=given.pop("schema"),
        train_steps=TRAIN_STEPS.value,
        custom_config=json.loads(CUSTOM_CONFIG.value),
        **dict.fromkeys(("eval_steps", "model_run_dir", "hyperparameters")),
        **given,
    )
    run_fn(fn_args)
    print(f"written to {fn_args.serving_model_dir}")


if __name__ == "__main__":
    start.run(main, needs=NEEDED)
