"""The teacher of examples/tfx_pipeline.py, trained as any TFX Trainer does."""

from typing import Any

import keras

from kd_keras import models
from kd_keras.export import save_model
from pipelines.tfx import inputs, reading, schema, settings

BATCH_SIZE = 256


def run_fn(fn_args: Any) -> None:
    """Trains a wide and deep model and exports it.

    Args:
      fn_args: TFX's; custom_config has label, class_names and features.
    """
    given = {**settings.DEFAULTS, **fn_args.custom_config}
    read = reading.Reader(schema.read(fn_args.schema_path), given)
    spec = read.spec
    keras.utils.set_random_seed(0)
    teacher = models.build(
        "wide_and_deep", spec.features, spec.num_classes, hidden_units=(128, 64)
    )
    teacher.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    records = inputs.records(fn_args.train_files)
    batches = (
        records.shuffle(10_000, seed=0)
        .repeat()
        .batch(BATCH_SIZE)
        .map(read.training)
        .map(lambda batch: (spec.inputs(batch), batch[spec.label]))
    )
    teacher.fit(batches, steps_per_epoch=fn_args.train_steps, verbose=2)
    save_model(teacher, spec, fn_args.serving_model_dir, read_examples=read)
