"""A teacher's logits, which the distilled students of its seed share."""

from collections.abc import Callable
from typing import Any

import ml_collections
import tensorflow as tf

from kd_keras import files, strategy, teacher_cache
from kd_keras.datasets import Dataset
from kd_keras.teacher_cache import TeacherCache
from pipelines.studies import attempts, layout
from pipelines.studies.layout import Run


def ensure(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    workdir: str,
    seed: int,
    teacher: Any,
    devices: tf.distribute.Strategy | None = None,
) -> tuple[TeacherCache, TeacherCache]:
    """Opens the cache of a seed's teacher; makes first what is missing of it.

    Args:
      config: the study's config.
      dataset: with the splits train and validation.
      workdir: the study's working directory, with the teacher.
      seed: that of the teacher.
      teacher: the trained model.
      devices: of several workers the chief makes the cache and the others wait; all
        have to call this function.

    Returns:
      (cache of the validation split, cache of the training split).
    """
    devices = devices or tf.distribute.get_strategy()
    path = files.join(layout.run_dir(workdir, Run(layout.TEACHER, seed)), "cache")
    made = None
    if strategy.is_chief(devices):
        if not files.exists(path):
            partial = attempts.begin(path)

            def check(examples: int) -> None:
                attempts.check(partial)

            _build(config, dataset, seed, teacher, partial, check)
            attempts.publish(partial, path, last="train/cache.json")
        made = _build(config, dataset, seed, teacher, path)
    strategy.from_chief(devices, 0)
    return made or _build(config, dataset, seed, teacher, path)


def _build(
    config: ml_collections.ConfigDict,
    dataset: Dataset,
    seed: int,
    teacher: Any,
    path: str,
    progress: Callable[[int], None] | None = None,
) -> tuple[TeacherCache, TeacherCache]:
    augmented = {
        "augmentation": config.student.augmentation,
        "seed": seed,
        "views": config.teacher_cache_views or 1,
    }
    validation, train = (
        teacher_cache.build(
            files.join(path, split),
            teacher,
            dataset.splits[split],
            dataset.spec,
            storage=config.teacher_cache,
            progress=progress,
            **options,
        )
        for split, options in (("validation", {}), ("train", augmented))
    )
    return validation, train
