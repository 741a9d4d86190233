"""A teacher's logits, which the distilled students of its seed share."""

from collections.abc import Callable
from typing import Any

import ml_collections
import tensorflow as tf

from kd_keras import files, strategy, teacher_cache
from kd_keras.datasets import Dataset
from kd_keras.teacher_cache import TeacherCache
from pipelines.studies import attempts, layout, parts, run_record, sealed
from pipelines.studies.layout import Run

# Beside the caches: the digest of the teacher's file, and its fingerprint.
TEACHER_FILE = "teacher.json"


def ensure(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    seed: int,
    load_teacher: Callable[[], Any],
    devices: tf.distribute.Strategy | None = None,
) -> tuple[TeacherCache, TeacherCache]:
    """Opens the cache of a seed's teacher; makes first what is missing of it.

    Args:
      config: the study's config.
      dataset: with the splits train and validation.
      workdir: the study's working directory, with the teacher.
      seed: that of the teacher.
      load_teacher: gives the trained model; called where the cache is not whole.
      devices: of several workers the chief makes the cache and the others wait; all
        have to call this function.

    Returns:
      (cache of the validation split, cache of the training split).

    Raises:
      ValueError: if another teacher made the cache, or a file of it is corrupt.
    """
    devices = devices or tf.distribute.get_strategy()
    teacher = Run(layout.TEACHER, seed)
    path = files.join(layout.run_dir(workdir, teacher), "cache")
    digest = _teacher_digest(config, workdir, teacher)
    made = _reopened(config, dataset, seed, path, digest)
    if made is None and strategy.is_chief(devices):
        model = load_teacher()
        if not files.exists(path):
            partial = attempts.begin(path)

            def check(examples: int) -> None:
                attempts.check(partial)

            _build(config, dataset, seed, model, partial, check)
            attempts.publish(partial, path, last="train/cache.json")
        made = _build(config, dataset, seed, model, path)
        known = {"model": digest, "fingerprint": made[1].identity.teacher}
        sealed.write(files.join(path, TEACHER_FILE), known)
    strategy.from_chief(devices, 0)
    return made or _build(config, dataset, seed, load_teacher(), path)


def _teacher_digest(
    config: ml_collections.ConfigDict, workdir: str, teacher: Run
) -> str:
    """SHA-256 of the teacher's file, which is the one that its run.json vouches for."""
    try:
        record = run_record.read(workdir, teacher, config)
        run_record.require(workdir, teacher, record, run_record.MODEL_FILE)
    except ValueError as error:
        raise ValueError(f"Seed {teacher.seed} needs its teacher: {error}") from error
    return record["files"][run_record.MODEL_FILE]


def _reopened(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    seed: int,
    path: str,
    digest: str,
) -> tuple[TeacherCache, TeacherCache] | None:
    """The caches, if they are whole and this teacher made them."""
    known = files.join(path, TEACHER_FILE)
    if not files.exists(known):
        return None
    about = sealed.read(known, f"Delete {path} and run the study again.")
    if about["model"] != digest:
        return None  # `build` says what differs.
    validation, train = (
        teacher_cache.reopen(
            files.join(path, split),
            about["fingerprint"],
            dataset.splits[split],
            dataset.spec,
            storage=config.teacher_cache,
            precision=parts.cache_precision(config),
            **options,
        )
        for split, options in _options(config, seed)
    )
    return (validation, train) if validation and train else None


def _build(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    seed: int,
    teacher: Any,
    path: str,
    progress: Callable[[int], None] | None = None,
) -> tuple[TeacherCache, TeacherCache]:
    validation, train = (
        teacher_cache.build(
            files.join(path, split),
            teacher,
            dataset.splits[split],
            dataset.spec,
            storage=config.teacher_cache,
            precision=parts.cache_precision(config),
            progress=progress,
            **options,
        )
        for split, options in _options(config, seed)
    )
    return validation, train


def _options(
    config: ml_collections.ConfigDict, seed: int
) -> list[tuple[str, dict[str, Any]]]:
    """Split -> what of its cache depends on the augmentation."""
    augmented = {
        "augmentation": config.student.augmentation,
        "seed": seed,
        "views": config.teacher_cache_views or 1,
    }
    return [("validation", {}), ("train", augmented)]
