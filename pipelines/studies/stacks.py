"""Trains runs that differ in seed and temperature alone as one program."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from kd_keras import files, training
from kd_keras.datasets import Dataset
from kd_keras.training import Member, Stack
from pipelines.studies import (
    attempts,
    layout,
    mending,
    methods,
    parts,
    run_record,
    runs,
    sealed,
    trainers,
)
from pipelines.studies.layout import Run
from pipelines.studies.publisher import Publisher
from pipelines.studies.run_record import MODEL_FILE

# Directory below the working directory that holds the backups of stacks.
STACKS = "stacks"
BACKUP = "backup.npz"
# Architectures whose stack is faster than its members: `python -m benchmarks.stack`.
PAYS = ("lenet5", "mlp")
# Methods whose losses are the same for every seed's teacher.
ALIKE = (
    *("plain", "reweighed", "balanced", "group_dro", "min_diff"),
    *("balanced_kd", "balanced_softmax"),
)
# What is known of an epoch: its number, and the members' logs so far.
OnEpoch = Callable[[int, list[list[dict[str, float]]]], None]


def why_single(config: ml_collections.ConfigDict, dataset: Dataset) -> str:
    """Why the students of a config are trained one by one; "" if they are stacked."""
    why = _why_config(config)
    if why:
        return why
    run = Run(layout.NDS, config.seeds[0])
    return training.why_single(
        trainers.compiled(config, dataset, run, None, own_step=True)
    )


def _why_config(config: ml_collections.ConfigDict) -> str:
    student = config.student
    reasons = {
        f"strategy={config.strategy!r} has replicas": config.strategy != "one_device",
        f"precision={parts.precision(config)!r} has not been tried in a stack": (
            parts.precision(config) != "float32"
        ),
        "the teacher runs in every step": not config.teacher_cache,
        "hints read the teacher in every step": bool(config.get("hints")),
        f"augmentation={student.augmentation!r} makes new views": student.augmentation,
        "without epochs there is no training": not student.epochs,
        f"the steps of {student.model} are not faster together": student.model
        not in PAYS,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def plan(
    config: ml_collections.ConfigDict, workdir: str, missing: Sequence[Run], most: int
) -> list[list[Run]]:
    """The missing runs to train together; whoever is in none is trained alone.

    Args:
      config: the study's config, of which `why_single` is "".
      workdir: the study's working directory.
      missing: runs that are to be made.
      most: members of a stack at most.
    """
    kinds: dict[str, list[Run]] = {}
    for run in missing:
        of = methods.options(config, run.method)["method"]
        if run.model != layout.TEACHER and of in ALIKE:
            kinds.setdefault(_path(workdir, run), []).append(run)
    found = []
    for path, of_kind in kinds.items():
        # A killed stack goes on as it was.
        begun = _begun(path)
        there = [run for run in of_kind if run.directory in begun]
        new = [run for run in of_kind if run.directory not in begun]
        if there:
            found.append(there)
        cut = [new[i : i + most] for i in range(0, len(new), most)]
        found += [part for part in cut if len(part) > 1]
    return found


def train_stack(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    members: Sequence[Run],
    on_epoch: OnEpoch | None = None,
    publisher: Publisher | None = None,
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Makes the directories of runs of one model and method.

    A killed call is continued by the next one.

    Args:
      config: the study's config.
      dataset: with the splits train, validation and test.
      workdir: the study's working directory, with the teachers of all seeds.
      members: one of the lists of `plan`.
      on_epoch: called after each epoch.
      publisher: what writes the runs of a process; None for a new one.

    Yields:
      (run, what run.json holds).

    Raises:
      TakenOverError: if another process has taken the training over.
    """
    began = time.monotonic()
    keras.backend.clear_session()
    taught = _taught(config, dataset, workdir, members)
    made = methods.changes(_given(config, dataset), members[0].method)
    data = methods.applied(dataset, made)
    trainer, stack = _stack(config, data, members, made)
    partial = attempts.begin(_path(workdir, members[0]))

    def after_epoch(epoch: int, history: list[list[dict[str, float]]]) -> None:
        attempts.check(partial)
        if on_epoch:
            on_epoch(epoch, history)

    history = training.fit_stack(
        stack,
        [_member(config, run, taught[run.seed][1]) for run in members],
        data,
        path=files.join(partial, BACKUP),
        epochs=config.student.epochs,
        batch_size=config.student.batch_size,
        shuffle_buffer=config.student.shuffle_buffer,
        measure=_measure(config, members, taught),
        on_epoch_end=after_epoch,
    )
    seconds = round((time.monotonic() - began) / len(members), 1)
    publisher = publisher or Publisher(config, dataset)
    steps = training.steps_per_epoch(dataset, config.student.batch_size)
    for i, run in enumerate(members):
        caches = taught[run.seed][1]
        about = {
            "seconds": seconds,
            "stacked": len(members),
            "val_accuracy": history[i][-1]["val_accuracy"],
            "teacher": caches[1].identity.teacher if caches else None,
        }
        write = functools.partial(_write, publisher, trainer, steps, history[i], about)
        stack.student(i)
        yield run, _published(workdir, run, write)
    files.remove_tree(partial)


def _path(workdir: str, run: Run) -> str:
    kind = run.model if run.model == layout.NDS else f"{run.model}-{run.method}"
    return files.join(workdir, STACKS, kind)


def _begun(path: str) -> list[str]:
    """Directories of the runs of a stack that was killed."""
    # The attempt that the next one goes on with.
    backups = [files.join(found, BACKUP) for found in attempts.left(path)[:1]]
    found = [training.members_of_backup(b) for b in backups if files.exists(b)]
    return [name.partition(" ")[0] for names in found for name in names]


def _member(
    config: ml_collections.ConfigDict, run: Run, caches: tuple | None
) -> Member:
    """A member whose name says what made it: the run, its teacher and its method."""
    teacher = caches[1].identity.teacher if caches else ""
    made_by = sealed.of_json([teacher, run_record.of_method(run, config)])
    return Member(f"{run.directory} {made_by}", run.seed, caches)


def _taught(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    members: Sequence[Run],
) -> dict[int, tuple[Dataset, tuple | None]]:
    """Seed -> the data set with its teacher's validation logits, and its caches."""
    found = {}
    for run in members:
        if run.seed not in found:
            found[run.seed] = runs.taught_by(config, dataset, workdir, run)
    return found


def _given(config: ml_collections.ConfigDict, dataset: Dataset) -> mending.Given:
    def no_teacher() -> keras.Model:
        raise AssertionError("Methods of ALIKE read no teacher.")

    return mending.Given(config, dataset, no_teacher)


def _stack(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    members: Sequence[Run],
    made: mending.Changes,
) -> tuple[keras.Model, Stack]:
    """A trainer, and the members that begin where theirs would."""
    of_seed = {}
    for run in members:
        if run.seed not in of_seed:
            of_seed[run.seed] = trainers.compiled(
                config, dataset, run, None, made=made, own_step=True
            )
    states = []
    for run in members:
        trainer = of_seed[run.seed]
        if run.temperature is not None:
            trainer.temperature = run.temperature
        states.append(training.state_of(trainer))
    trainer = of_seed[members[0].seed]
    return trainer, Stack(trainer, states)


def _measure(
    config: ml_collections.ConfigDict,
    members: Sequence[Run],
    taught: Mapping[int, tuple[Dataset, Any]],
) -> Callable[[int, int, np.ndarray], dict[str, float]]:
    """What `runs.monitors` add to the logs of each member."""
    here = tf.distribute.get_strategy()
    monitors = {
        seed: runs.monitors(config, data, config.student.epochs, here)
        for seed, (data, _) in taught.items()
    }

    def measure(epoch: int, member: int, logits: np.ndarray) -> dict[str, float]:
        logs: dict[str, float] = {}
        for monitor in monitors[members[member].seed]:
            if (epoch + 1) % monitor.every == 0:
                logs |= monitor.measure(logits)
        return logs

    return measure


def _published(
    workdir: str, run: Run, write: Callable[[Run, str], dict[str, Any]]
) -> dict[str, Any]:
    """Has a run's directory written and makes it appear as a whole."""
    directory = layout.run_dir(workdir, run)
    partial = attempts.begin(directory)
    for left in (training.BACKUP, "tensorboard"):  # Of a run that was begun alone.
        files.remove_tree(files.join(partial, left))
    record = write(run, partial)
    attempts.publish(partial, directory, last=layout.RUN_FILE)
    return record


def _write(
    publisher: Publisher,
    trainer: keras.Model,
    steps: int,
    history: list[dict[str, float]],
    about: Mapping[str, Any],
    run: Run,
    partial: str,
) -> dict[str, Any]:
    """Writes what `train_run` leaves of a run."""
    training.write_history(partial, history)
    board = runs.EpochBoard(files.join(partial, "tensorboard"), write_graph=False)
    board.set_model(trainer)
    board.on_train_begin()
    for epoch, logs in enumerate(history):
        # TensorBoard shows the learning rate.
        trainer.optimizer.iterations.assign(steps * (epoch + 1))
        board.on_epoch_end(epoch, dict(logs))
    board.on_train_end()
    with files.written_locally(files.join(partial, MODEL_FILE), ".keras") as local:
        trainer.student.save(local)
    return publisher.write(run, partial, trainer.student, about)
