"""Distillation as TFX's Trainer calls it."""

from collections.abc import Mapping
from typing import Any

import keras

from kd_keras import Distiller, models, training
from kd_keras.export import save_model
from pipelines.tfx import inputs

DEFAULTS: dict[str, Any] = {
    "student": None,
    "label": None,
    "class_names": None,
    "features": None,
    "image_shape": None,
    "temperature": 4.0,
    "alpha": 0.8,
    "batch_size": 64,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "seed": 0,
}
REQUIRED = ("student", "label", "class_names", "features")


def run_fn(fn_args: Any) -> None:
    """Distils `fn_args.base_model` into a student, and exports it.

    Args:
      fn_args: TFX's `tfx.components.FnArgs`, or anything with its fields. Read are
        train_files, eval_files, train_steps, eval_steps, schema_path, base_model,
        serving_model_dir, model_run_dir, hyperparameters and custom_config. The
        settings in custom_config, over which tuned hyperparameters win, are

        - student: key of `kd_keras.models.MODELS`;
        - label: feature of the schema with the class index;
        - class_names: the classes in the order of their labels;
        - features: names of the model's inputs in the schema;
        - image_shape: height, width and channels of an encoded image;
        - temperature, alpha: of the distillation; alpha weights the teacher's term;
        - batch_size, optimizer, learning_rate, seed: of the training.

    Raises:
      ValueError: if a setting is missing or unknown, or names what the schema or the
        teacher does not have.
    """
    settings = _settings(fn_args)
    spec = inputs.spec_from_schema(fn_args.schema_path, settings)
    teacher = inputs.load_teacher(fn_args.base_model, spec)
    keras.utils.set_random_seed(settings["seed"])
    first, *others = spec.features.values()
    shape = spec.features if others else tuple(first.shape)
    student = models.build(settings["student"], shape, spec.num_classes)
    distiller = Distiller(
        student=student,
        teacher=teacher.signatures[inputs.FEATURES_SIGNATURE],
        temperature=settings["temperature"],
        alpha=settings["alpha"],
        teacher_outputs="probabilities",
    )
    distiller.compile(
        optimizer=training.optimizer(
            settings["optimizer"],
            learning_rate=settings["learning_rate"],
            schedule="cosine",
            total_steps=fn_args.train_steps,
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,
    )
    batch_size, seed = settings["batch_size"], settings["seed"]
    distiller.fit(
        inputs.batches(fn_args.train_files, spec, batch_size, seed),
        steps_per_epoch=fn_args.train_steps,
        validation_data=inputs.batches(fn_args.eval_files, spec, batch_size),
        validation_steps=fn_args.eval_steps,
        callbacks=[keras.callbacks.TensorBoard(fn_args.model_run_dir)]
        if fn_args.model_run_dir
        else [],
        shuffle=False,  # The batches are.
        verbose=2,
    )
    card = {"settings": settings, "teacher_fingerprint": distiller.teacher_fingerprint}
    save_model(student, spec, fn_args.serving_model_dir, card)


def _settings(fn_args: Any) -> dict[str, Any]:
    given = dict(fn_args.custom_config or {})
    tuned: Mapping[str, Any] = (fn_args.hyperparameters or {}).get("values", {})
    settings = DEFAULTS | given | dict(tuned)
    unknown = sorted(settings.keys() - DEFAULTS.keys())
    if unknown:
        raise ValueError(
            f"custom_config must hold only {list(DEFAULTS)}. Received: {unknown}."
        )
    missing = [name for name in REQUIRED if not settings[name]]
    if missing:
        raise ValueError(f"custom_config must hold {missing}, which are missing.")
    for name in ("base_model", "schema_path", "train_files", "eval_files"):
        if not getattr(fn_args, name):
            raise ValueError(
                f"fn_args.{name} is needed. Received: {getattr(fn_args, name)!r}."
            )
    if not fn_args.train_steps:
        raise ValueError(
            "fn_args.train_steps must be a positive number. Received: "
            f"{fn_args.train_steps!r}. Set num_steps in the Trainer's train_args."
        )
    return settings
