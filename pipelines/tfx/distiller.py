"""Distiller: TFX's Trainer with a teacher."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.components import Trainer
from tfx.proto import trainer_pb2

from pipelines.tfx import settings

RUN_FN = "pipelines.tfx.run_fn.run_fn"


class Distiller(Trainer):
    """Trains a student on labels and on a teacher's predictions, and exports it.

    A Trainer in all else: the output "model" goes to Evaluator, FairnessGate and
    Pusher, "model_run" has the logs of TensorBoard. The settings are part of the
    component, so a changed one trains anew. kd-keras must be installed on the workers.

    Args:
      examples: raw tf.Examples, or with `transformed` those that Transform has written.
      teacher: a SavedModel with `serving_features` of the same features, or with
        `serving_default` that takes serialized raw tf.Examples.
      student: key of `kd_keras.models.MODELS`, or "module:function".
      label: feature of the schema with the class index or the class name.
      class_names: the classes in the order of their labels.
      features: the student's inputs: features of the schema, or Transform's outputs.
      train_steps: batches to train on.
      eval_steps: batches to evaluate on; 0 for all.
      schema: of the examples; may be left out where `transform_graph` is given.
      transform_graph: preprocessing that the student's export is to hold.
      hyperparameters: of a Tuner; they win over the settings here.
      temperature: softens both predictions.
      alpha: share of the teacher's term, in [0, 1].
      soft_loss: name in `kd_keras.losses.SOFTMAX_LOSSES`, or "module:function".
      teacher_outputs: "logits" or "probabilities", where the name of the teacher's
        output does not say so.
      student_options: arguments of the student's builder.
      groups: sensitive attributes that `method` reads, whose groups are those of the
        schema's domain; or attribute -> its groups.
      method: what mends the student while it is trained, such as "group_dro".
      method_options: its options.
      image_shape: height, width and channels of encoded images.
      max_values: multi-valued feature -> how many of its values are seen.
      transformed: whether the examples are those that Transform has written.
      batch_size, optimizer, learning_rate, seed: of the training.

    Raises:
      ValueError: if the teacher or a setting is missing.
    """

    def __init__(
        self,
        examples: types.BaseChannel,
        teacher: types.BaseChannel,
        student: str,
        label: str,
        class_names: Sequence[str],
        features: Sequence[str],
        train_steps: int,
        *,
        eval_steps: int = 0,
        schema: types.BaseChannel | None = None,
        transform_graph: types.BaseChannel | None = None,
        hyperparameters: types.BaseChannel | None = None,
        temperature: float = settings.DEFAULTS["temperature"],
        alpha: float = settings.DEFAULTS["alpha"],
        soft_loss: str = settings.DEFAULTS["soft_loss"],
        teacher_outputs: str | None = None,
        student_options: Mapping[str, Any] | None = None,
        groups: Sequence[str] | Mapping[str, Sequence[str]] = (),
        method: str = settings.DEFAULTS["method"],
        method_options: Mapping[str, Any] | None = None,
        image_shape: Sequence[int] | None = None,
        max_values: Mapping[str, int] | None = None,
        transformed: bool = False,
        batch_size: int = settings.DEFAULTS["batch_size"],
        optimizer: str = settings.DEFAULTS["optimizer"],
        learning_rate: float = settings.DEFAULTS["learning_rate"],
        seed: int = settings.DEFAULTS["seed"],
    ):
        if teacher is None:
            raise ValueError(
                "`teacher` must be a channel of a model, such as "
                "trainer.outputs['model'] or an Importer's 'result'. Received: None."
            )
        if schema is None and transform_graph is None:
            raise ValueError(
                "`schema` or `transform_graph` must be a channel. Received: None for "
                "both."
            )
        custom_config = {
            "student": student,
            "student_options": dict(student_options or {}),
            "label": label,
            "class_names": list(class_names),
            "features": list(features),
            "groups": dict(groups)
            if isinstance(groups, Mapping)
            else dict.fromkeys(groups),
            "image_shape": image_shape and list(image_shape),
            "max_values": dict(max_values or {}),
            "transformed": transformed,
            "teacher_outputs": teacher_outputs,
            "temperature": temperature,
            "alpha": alpha,
            "soft_loss": soft_loss,
            "method": method,
            "method_options": dict(method_options or {}),
            "batch_size": batch_size,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "seed": seed,
        }
        settings.check(custom_config)
        super().__init__(
            examples=examples,
            schema=schema,
            transform_graph=transform_graph,
            base_model=teacher,
            hyperparameters=hyperparameters,
            run_fn=RUN_FN,
            train_args=trainer_pb2.TrainArgs(num_steps=train_steps),
            eval_args=trainer_pb2.EvalArgs(num_steps=eval_steps),
            custom_config=custom_config,
        )
