"""Fits one model so that a killed run goes on where it was."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets.batches import evaluation_batches, training_batches
from kd_keras.datasets.spec import Dataset

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
    **options: Any,
) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe.

    Args:
      name: "adam", "adamw" or "sgd".
      learning_rate: its initial value.
      schedule: "constant", "cosine" (to zero) or "step" (a tenth at 1/2 and again at
        3/4 of the training).
      total_steps: number of updates of the whole training.
      **options: further arguments of the optimizer, such as weight_decay.

    Raises:
      ValueError: if there is no such optimizer or schedule.
    """
    if name not in OPTIMIZERS:
        raise ValueError(
            f"Unknown optimizer {name!r}. Available: {', '.join(sorted(OPTIMIZERS))}."
        )
    schedules = keras.optimizers.schedules
    rates = {
        "constant": lambda: learning_rate,
        "cosine": lambda: schedules.CosineDecay(learning_rate, total_steps),
        "step": lambda: schedules.PiecewiseConstantDecay(
            [total_steps // 2, total_steps * 3 // 4],
            [learning_rate, learning_rate / 10, learning_rate / 100],
        ),
    }
    if schedule not in rates:
        raise ValueError(
            f"Unknown schedule {schedule!r}. Available: {', '.join(sorted(rates))}."
        )
    return OPTIMIZERS[name](learning_rate=rates[schedule](), **options)


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
    shuffle_buffer: int = 0,
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
      epochs: number of epochs in all.
      batch_size: examples in a batch.
      seed: fixes the order of the data, and the views of an augmentation.
      augmentation: a key of `kd_keras.datasets.augment.AUGMENTATIONS`; "" is none.
      shuffle_buffer: examples to shuffle among; 0 is the whole split.
      callbacks: further Keras callbacks.

    Returns:
      The logs of every epoch, in order, as in history.csv.
    """
    examples = dataset.splits["train"]
    steps = steps_per_epoch(dataset, batch_size)
    backup = _Backup(directory)
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    train = training_batches(
        examples,
        dataset.spec,
        batch_size=batch_size,
        seed=seed,
        epoch=epoch,
        shuffle_buffer=shuffle_buffer or int(examples.cardinality()),
        augmentation=augmentation,
    )
    seeds = [v for v in model.variables if v.name == "seed_generator_state"]
    first = [state.numpy() for state in seeds]

    def begin_epoch(index: int, logs: Any) -> None:
        epoch.assign(index)
        # Keras does not save dropout's state: a resumed fit would repeat its masks.
        for state, start in zip(seeds, first, strict=True):
            state.assign([start[0], start[1] + index * steps])

    model.fit(
        train,
        epochs=epochs,
        initial_epoch=backup.restore(model),
        validation_data=evaluation_batches(dataset.splits["validation"], dataset.spec),
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_begin=begin_epoch),
            *callbacks,
            backup,
        ],
        shuffle=False,
        verbose=0,
    )
    return backup.history


class _Backup(keras.callbacks.Callback):
    """Keeps the last epoch's weights, optimizer state and logs.

    Unlike `keras.callbacks.BackupAndRestore` it never leaves weights and epoch number
    of different epochs behind: the name of the weights' file has the epoch.
    """

    def __init__(self, directory: str):
        super().__init__()
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
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self._path(epoch))
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

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.history.append({key: float(value) for key, value in (logs or {}).items()})
        files.write_text(self.history_path, _to_csv(self.history))
        # Keras wants the ending .weights.h5, and gfile renames whole files only.
        with files.replacing(self._path(epoch + 1)) as temporary:
            self.model.save_weights(f"{temporary}.weights.h5")
            files.gfile.rename(f"{temporary}.weights.h5", temporary)
        if files.exists(self._path(epoch)):
            files.gfile.remove(self._path(epoch))

    def _path(self, finished_epochs: int) -> str:
        return files.join(self.directory, f"{finished_epochs}.weights.h5")


def _to_csv(rows: list[dict[str, float]]) -> str:
    buffer = io.StringIO()
    # A callback may log at some epochs only.
    names = ["epoch", *dict.fromkeys(key for row in rows for key in row)]
    writer = csv.DictWriter(buffer, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": index, **row} for index, row in enumerate(rows))
    return buffer.getvalue()
