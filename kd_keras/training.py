"""Fits one model so that a killed run goes on where it was."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kd_keras import files, strategy
from kd_keras.datasets.batches import evaluation_batches, training_batches
from kd_keras.datasets.spec import Dataset
from kd_keras.teacher_cache import TeacherCache

# Directory of the backup, below the one of the run.
BACKUP = "backup"

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
}


def optimizer(
    name: str,
    *,
    learning_rate: float,
    schedule: str,
    total_steps: int,
    warmup_steps: int = 0,
    **options: Any,
) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe.

    Args:
      name: "adam", "adamw" or "sgd".
      learning_rate: its highest value.
      schedule: "constant", "cosine" or "linear" (to zero), or "step" (a tenth at 1/2
        and again at 3/4 of the training).
      total_steps: number of updates of the whole training.
      warmup_steps: updates in which the learning rate rises linearly from zero; the
        schedule begins after them.
      **options: further arguments of the optimizer, such as weight_decay.

    Raises:
      ValueError: if there is no such optimizer or schedule.
    """
    if name not in OPTIMIZERS:
        raise ValueError(
            f"Unknown optimizer {name!r}. Available: {', '.join(sorted(OPTIMIZERS))}."
        )
    schedules = keras.optimizers.schedules
    steps = max(total_steps - warmup_steps, 1)
    rates = {
        "constant": lambda: learning_rate,
        "cosine": lambda: schedules.CosineDecay(learning_rate, steps),
        "linear": lambda: schedules.PolynomialDecay(learning_rate, steps, 0.0),
        "step": lambda: schedules.PiecewiseConstantDecay(
            [steps // 2, steps * 3 // 4],
            [learning_rate, learning_rate / 10, learning_rate / 100],
        ),
    }
    if schedule not in rates:
        raise ValueError(
            f"Unknown schedule {schedule!r}. Available: {', '.join(sorted(rates))}."
        )
    rate = rates[schedule]()
    if warmup_steps:
        rate = WarmUp(learning_rate, warmup_steps, rate)
    return OPTIMIZERS[name](learning_rate=rate, **options)


@keras.saving.register_keras_serializable(package="kd_keras")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from zero to `peak` in `steps` updates; then comes `after`.

    Args:
      peak: the learning rate after the rise.
      steps: number of updates of the rise.
      after: the constant or schedule that begins when the rise ends.

    Source: Goyal et al. 2017 (https://arxiv.org/abs/1706.02677), section 2.2.
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        after: float | keras.optimizers.schedules.LearningRateSchedule,
    ):
        self.peak = peak
        self.steps = steps
        self.after = after

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        rise = self.peak * step / self.steps
        after = self.after
        if callable(after):
            after = after(keras.ops.maximum(step - self.steps, 0.0))
        return keras.ops.where(step < self.steps, rise, after)

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "steps": self.steps,
            "after": keras.saving.serialize_keras_object(self.after),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUp":
        after = keras.saving.deserialize_keras_object(config["after"])
        return cls(**{**config, "after": after})


def steps_per_epoch(dataset: Dataset, batch_size: int) -> int:
    """Number of batches in an epoch of the training split, the last one included.

    Raises:
      ValueError: if it has no examples, or an unknown number of them.
    """
    examples = int(dataset.splits["train"].cardinality())
    if examples < 1:
        raise ValueError(
            "The split 'train' must have a known number of examples, at least one. "
            f"Received: cardinality {examples}. Apply "
            "tf.data.experimental.assert_cardinality to it."
        )
    return -(-examples // batch_size)


def fit(
    model: keras.Model,
    dataset: Dataset,
    *,
    directory: str,
    epochs: int,
    batch_size: int,
    seed: int,
    augmentation: str = "",
    views: int = 0,
    shuffle_buffer: int = 0,
    cache: TeacherCache | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict[str, float]]:
    """Fits a compiled model, going on from the backup in `directory` if there is one.

    An interrupted and continued fit gives the weights of an undisturbed one: the
    order of the data depends on seed and epoch alone.

    Args:
      model: a compiled and built model with integer labels.
      dataset: its splits "train" and "validation" are read.
      directory: where history.csv and the directory `BACKUP` are kept. The caller
        deletes the backup when it has saved the model: until then a killed call
        need not train again.
      epochs: number of epochs in all; 0 only evaluates, on the validation split.
      batch_size: examples in a batch.
      seed: fixes the order of the data, and the views of an augmentation.
      augmentation: a key of `kd_keras.datasets.augment.AUGMENTATIONS`; "" is none.
      views: number of views of each example; 0 is a new one in every epoch.
      shuffle_buffer: examples to shuffle among; 0 is the whole split.
      cache: logits of the teacher for the split "train", made with this augmentation,
        seed and number of views. The batches are those without it, and their labels
        bring the logits.
      callbacks: further Keras callbacks.

    The model may be of any tf.distribute strategy. `batch_size` is that of all
    replicas together; each worker reads the whole split and takes its part of every
    batch. Only the chief writes; the others need to see `directory` too.

    Returns:
      The logs of every epoch, in order, as in history.csv.
    """
    examples = dataset.splits["train"]
    steps = steps_per_epoch(dataset, batch_size)
    backup = _Backup(directory, strategy.is_chief(model.distribute_strategy))
    validation = _shared_by_batch(
        evaluation_batches(dataset.splits["validation"], dataset.spec)
    )
    if not epochs:
        logs = model.evaluate(validation, return_dict=True, verbose=0)
        backup.record({f"val_{name}": value for name, value in logs.items()})
        return backup.history
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    train = training_batches(
        cache.join(examples, epoch) if cache else examples,
        dataset.spec,
        batch_size=batch_size,
        seed=seed,
        epoch=epoch,
        shuffle_buffer=shuffle_buffer or int(examples.cardinality()),
        # The cache serves augmented images.
        augmentation="" if cache else augmentation,
        views=views,
    )
    seeds = [v for v in model.variables if v.name == "seed_generator_state"]
    first = [state.numpy() for state in seeds]

    def begin_epoch(index: int, logs: Any) -> None:
        epoch.assign(index)
        # Keras does not save dropout's state: a resumed fit would repeat its masks.
        for state, start in zip(seeds, first, strict=True):
            state.assign([start[0], start[1] + index * steps])

    model.fit(
        _shared_by_batch(train),
        epochs=epochs,
        initial_epoch=backup.restore(model),
        validation_data=validation,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_begin=begin_epoch),
            *callbacks,
            backup,
        ],
        shuffle=False,
        verbose=0,
    )
    return backup.history


def _shared_by_batch(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Has every worker take its part of each batch, not of the files."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return batches.with_options(options)


class _Backup(keras.callbacks.Callback):
    """Keeps the last epoch's weights, optimizer state and logs.

    Unlike `keras.callbacks.BackupAndRestore` it never leaves weights and epoch number
    of different epochs behind: the name of the weights' file has the epoch.
    """

    def __init__(self, directory: str, is_chief: bool):
        super().__init__()
        self.is_chief = is_chief
        self.directory = files.join(directory, BACKUP)
        self.history_path = files.join(directory, "history.csv")
        self.history: list[dict[str, float]] = []

    def restore(self, model: keras.Model) -> int:
        """Loads the backup into `model` and returns the number of finished epochs."""
        there = files.exists(self.directory)
        names = files.gfile.listdir(self.directory) if there else []
        matches = (re.fullmatch(r"(\d+)\.weights\.h5", name) for name in names)
        epoch = max((int(match[1]) for match in matches if match), default=0)
        if not epoch:
            return 0
        with (
            model.distribute_strategy.scope(),
            files.read_locally(self._path(epoch), ".weights.h5") as local,
        ):
            model.optimizer.build(model.trainable_variables)
            _load_backup(model, local, self._path(epoch))
        rows = csv.DictReader(io.StringIO(files.read_text(self.history_path)))
        self.history = [
            {
                key: float(value)
                for key, value in row.items()
                if key != "epoch" and value
            }
            for row in rows
        ][:epoch]
        return epoch

    def record(self, logs: dict[str, float]) -> None:
        self.history.append({key: float(value) for key, value in logs.items()})
        if self.is_chief:
            files.write_text(self.history_path, _to_csv(self.history))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.record(logs or {})
        if not self.is_chief:
            return
        with files.written_locally(self._path(epoch + 1), ".weights.h5") as local:
            self.model.save_weights(local)
        if files.exists(self._path(epoch)):
            files.gfile.remove(self._path(epoch))

    def _path(self, finished_epochs: int) -> str:
        return files.join(self.directory, f"{finished_epochs}.weights.h5")


def _load_backup(model: keras.Model, local: str, path: str) -> None:
    try:
        model.load_weights(local)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"The backup {path} cannot be used: {error}. Delete it and run again: the "
            "run is then trained from its beginning."
        ) from error


def _to_csv(rows: list[dict[str, float]]) -> str:
    buffer = io.StringIO()
    # A callback may log at some epochs only.
    names = ["epoch", *dict.fromkeys(key for row in rows for key in row)]
    writer = csv.DictWriter(buffer, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": index, **row} for index, row in enumerate(rows))
    return buffer.getvalue()
