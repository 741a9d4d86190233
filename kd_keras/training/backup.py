"""The state of a fit after its last epoch, on disk."""

import csv
import io
import re

import keras

from kd_keras import files

# Directory of the backup, below the one of the run.
BACKUP = "backup"
HISTORY = "history.csv"


class Backup(keras.callbacks.Callback):
    """Keeps the last epoch's weights, optimizer state and logs.

    Unlike `keras.callbacks.BackupAndRestore` it never leaves weights and epoch number
    of different epochs behind: the name of the weights' file has the epoch.
    """

    def __init__(self, directory: str, is_chief: bool):
        super().__init__()
        self.is_chief = is_chief
        self.directory = files.join(directory, BACKUP)
        self._run = directory
        self.history_path = files.join(directory, HISTORY)
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
            if not model.optimizer.built:  # Loss scaling would make its state anew.
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
        """Adds the logs of an epoch to the history, and writes it."""
        self.history.append({key: float(value) for key, value in logs.items()})
        if self.is_chief:
            write_history(self._run, self.history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps this epoch in the place of the one before."""
        self.record(logs or {})
        if not self.is_chief:
            return
        with files.written_locally(self._path(epoch + 1), ".weights.h5") as local:
            self.model.save_weights(local)
        if files.exists(self._path(epoch)):
            files.gfile.remove(self._path(epoch))

    def _path(self, finished_epochs: int) -> str:
        return files.join(self.directory, f"{finished_epochs}.weights.h5")


def write_history(directory: str, rows: list[dict[str, float]]) -> None:
    """Writes history.csv: the logs of each epoch."""
    files.write_text(files.join(directory, HISTORY), _to_csv(rows))


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
