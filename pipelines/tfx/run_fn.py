"""Distillation as TFX's Trainer calls it."""

from typing import Any

import keras
import tensorflow as tf

from kd_keras import Distiller, models, training
from kd_keras.datasets.examples import is_image
from kd_keras.export import save_model
from pipelines.studies import parts
from pipelines.tfx import inputs, saved_models
from pipelines.tfx import settings as all_settings
from pipelines.tfx.reading import Reader


def run_fn(fn_args: Any) -> None:
    """Distils `fn_args.base_model` into a student, and exports it.

    Args:
      fn_args: TFX's `tfx.components.FnArgs`, or anything with its fields. Read are
        train_files, eval_files, train_steps, eval_steps, schema_path,
        transform_graph_path, base_model, serving_model_dir, model_run_dir,
        hyperparameters and custom_config. The settings in custom_config, over which
        tuned hyperparameters win, are

        - student: key of `kd_keras.models.MODELS`, or "module:function", and
          student_options, its arguments;
        - label: feature of the schema with the class index or the class name;
        - class_names: the classes in the order of their labels;
        - features: names of the student's inputs in the schema, or of Transform's
          outputs where there is a TransformGraph;
        - groups: sensitive attribute -> its groups, None for those of the schema's
          domain; what methods of mending read;
        - image_shape: height, width and channels of an encoded image;
        - max_values: multi-valued feature -> how many of its values are seen;
        - transformed: whether the examples are those that Transform has written;
        - teacher_outputs: "logits" or "probabilities" where the name of the teacher's
          output does not say so;
        - temperature, alpha, soft_loss: of the distillation; alpha weights the
          teacher's term;
        - method, method_options: what mends the student while it is trained, one of
          `pipelines.studies.mending.METHODS`, or "module:function";
        - batch_size, optimizer, learning_rate, seed: of the training.

    Raises:
      ValueError: if a setting is missing or unknown, or names what the schema or the
        teacher does not have.
    """
    settings = all_settings.of_fn_args(fn_args)
    read = inputs.reader(fn_args, settings)
    teacher = saved_models.load_model(
        fn_args.base_model,
        read.spec,
        settings["teacher_outputs"],
        raw=not settings["transformed"],
    )
    keras.utils.set_random_seed(settings["seed"])
    student = _student(read, settings)
    _train(student, teacher, read, settings, fn_args)
    card = {"settings": settings, "teacher_fingerprint": teacher.fingerprint}
    save_model(student, read.spec, fn_args.serving_model_dir, card, read_examples=read)


def _student(read: Reader, settings: dict[str, Any]) -> keras.Model:
    features = read.spec.features
    first, *others = features.values()
    alone = not others and (is_image(first) or first.dtype == tf.string)
    shape = tuple(first.shape) if alone else features
    return models.build(
        settings["student"], shape, read.spec.num_classes, **settings["student_options"]
    )


def _train(
    student: keras.Model,
    teacher: saved_models.Model,
    read: Reader,
    settings: dict[str, Any],
    fn_args: Any,
) -> None:
    train = inputs.records(fn_args.train_files)
    validation = inputs.records(fn_args.eval_files)
    made = inputs.changes(settings, read, teacher, train, validation)
    options = {
        "alpha": settings["alpha"],
        "soft_loss": parts.soft_loss(settings),
        **made.distiller,
    }
    distiller = Distiller(
        student=student, temperature=settings["temperature"], **options
    )
    distiller.compile(
        optimizer=training.optimizer(
            settings["optimizer"],
            learning_rate=settings["learning_rate"],
            schedule="cosine",
            total_steps=fn_args.train_steps,
        ),
        loss=made.loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,
    )
    size, seed = settings["batch_size"], settings["seed"]
    run_dir = fn_args.model_run_dir
    unweighted = made._replace(weights=None)
    distiller.fit(
        inputs.batches(train, read, teacher, size, made=made, seed=seed),
        steps_per_epoch=fn_args.train_steps,
        validation_data=inputs.batches(
            validation, read, teacher, size, made=unweighted
        ),
        validation_steps=fn_args.eval_steps,
        callbacks=[keras.callbacks.TensorBoard(run_dir)] if run_dir else [],
        shuffle=False,  # The batches are.
        verbose=2,
    )
