"""What the fields of a study's config may be."""

import re
from collections.abc import Iterable
from typing import Any

import ml_collections

from kd_keras import datasets, models, named, training
from kd_keras.datasets.augment import AUGMENTATIONS
from kd_keras.losses import SOFTMAX_LOSSES
from kd_keras.strategy import STRATEGIES
from kd_keras.teacher_cache.precision import PRECISIONS
from kd_keras.training.optimizers import OPTIMIZERS
from pipelines.studies import (
    attributes,
    corruption_options,
    individual_options,
    interval_options,
    layout,
    mending,
    methods,
    parts,
)

CACHES = ("", "float32", "float16")
# What Keras and NumPy take.
MAX_SEED = 2**32
POSITIVE_SIZES = ("image_size", "versions", "shape_size", "texture_scale")
# The splits that a run keeps its predictions of.
PREDICTED = ("validation", "test")


def validate(config: ml_collections.ConfigDict) -> None:
    """Raises a ValueError that names the first field with a value not allowed.

    Nothing that the config names is imported: `require_usable` does that.
    """
    _require(0 <= config.alpha <= 1, "alpha", config.alpha, "a number in [0, 1]")
    for name in ("seeds", "temperatures"):
        value = config[name]
        _require(isinstance(value, tuple | list), name, value, "a tuple of numbers")
    for temperature in config.temperatures:
        _require(
            0 < temperature < float("inf"),
            "temperatures",
            temperature,
            "numbers above 0",
        )
    for name in ("seeds", "temperatures"):
        values = tuple(config[name])
        _require(len(set(values)) == len(values), name, values, "distinct values")
    _require(len(config.seeds) > 0, "seeds", tuple(config.seeds), "at least one")
    for seed in config.seeds:
        allowed = type(seed) is int and 0 <= seed < MAX_SEED
        _require(allowed, "seeds", seed, "integers from 0 to 2**32 - 1")
    _require(
        config.teacher_cache in CACHES,
        "teacher_cache",
        config.teacher_cache,
        f"one of {CACHES}",
    )
    _validate_views(config)
    of_cache = parts.cache_precision(config)
    allowed = of_cache in PRECISIONS
    _require(allowed, "teacher_cache_precision", of_cache, f"one of {PRECISIONS}")
    precision = parts.precision(config)
    allowed = precision in parts.PRECISIONS
    _require(allowed, "precision", precision, f"one of {parts.PRECISIONS}")
    _require(
        config.strategy in STRATEGIES,
        "strategy",
        config.strategy,
        f"one of {STRATEGIES}",
    )
    split = config.evaluation.split
    _require(split in PREDICTED, "evaluation.split", split, f"one of {PREDICTED}")
    for field in POSITIVE_SIZES:
        value = config.dataset.get(field, 1)
        _require(value > 0, f"dataset.{field}", value, "a number above 0")
    least = interval_options.min_examples(config)
    allowed = type(least) is int and least >= 0
    _require(allowed, "evaluation.min_examples", least, "an integer from 0 on")
    corruption_options.validate(config)
    attributes.validate(config)
    individual_options.validate(config)
    _validate_names(config)
    _validate_methods(config)
    # Before the teachers are trained: the student's recipe is used after them.
    for role in ("teacher", "student"):
        _validate_recipe(role, config[role])


def require_usable(config: ml_collections.ConfigDict) -> None:
    """Raises a ValueError unless all that a config names is there.

    Modules that it names are imported; no data are loaded, nothing is trained.
    """
    options = dataset_options(config)
    name = config.dataset.name
    datasets.loader(name, options)
    if name in datasets.ATTRIBUTES:
        there = datasets.ATTRIBUTES[name](options)
        for attribute in attributes.single(config):
            if attribute not in there:
                raise ValueError(
                    f"--config.attributes: unknown sensitive attribute {attribute!r}."
                    f"{named.did_you_mean(attribute, there)} Data set {name!r} has: "
                    f"{', '.join(there) or 'none'}."
                )
    parts.soft_loss(config)
    parts.hints(config)
    parts.metrics(config)
    methods.require_usable(config)
    for role in ("teacher", "student"):
        recipe = config[role]
        named.resolve("architecture", recipe.model, models.MODELS)
        if recipe.augmentation:
            named.resolve("augmentation", recipe.augmentation, AUGMENTATIONS)
        _optimizer(recipe)


def dataset_options(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """The arguments of the data set's `load` function."""
    # Every config has these two, and not every data set takes them.
    unset = ("data_dir", "download")
    return {
        field: value
        for field, value in config.dataset.to_dict().items()
        if field != "name" and (value or field not in unset)
    }


def _validate_names(config: ml_collections.ConfigDict) -> None:
    name = config.dataset.get("name")
    _require(isinstance(name, str), "dataset.name", name, "the name of a data set")
    datasets.check_name(name)
    soft_loss = config.get("soft_loss", parts.DEFAULTS["soft_loss"])
    _require_named("soft_loss", soft_loss, SOFTMAX_LOSSES)
    for hint, fields in config.get("hints", {}).items():
        _require_named(f"hints.{hint}.hint", fields.get("hint", "feature"), parts.HINTS)
    if config.get("hints") and config.teacher_cache:
        raise ValueError(
            "--config.teacher_cache must be '' where there are hints, which read "
            "layers of the teacher and not its logits alone. Received: teacher_cache="
            f"{config.teacher_cache!r}."
        )
    metrics = config.get("metrics", ())
    _require(isinstance(metrics, tuple | list), "metrics", metrics, "a tuple of names")
    for metric in metrics:
        _require_named("metrics", metric, parts.METRICS)


def _validate_methods(config: ml_collections.ConfigDict) -> None:
    chosen = config.get("methods", (layout.PLAIN,))
    _require(isinstance(chosen, tuple | list), "methods", chosen, "a tuple of names")
    chosen = tuple(chosen)
    _require(len(chosen) > 0, "methods", chosen, "at least one name")
    _require(len(set(chosen)) == len(chosen), "methods", chosen, "distinct names")
    for directory in (d for a in config.get(layout.ADDED, {}).values() for d in a):
        run = layout.parse_directory(directory)
        is_student = run is not None and run.model == layout.DS and not run.mended
        what = "directories of distilled students"
        _require(is_student, layout.ADDED, directory, what)
    for name in layout.methods_of(config):
        allowed = isinstance(name, str) and re.fullmatch(layout.METHOD, name)
        _require(bool(allowed), "methods", name, "names of small letters, digits and _")
        made_by = methods.options(config, name)["method"]
        if made_by == name:
            known = sorted({*mending.METHODS, *config.get("method_options", {})})
            advice = named.did_you_mean(name, known)
            is_known = name in mending.METHODS
            _require(is_known, "methods", name, f"one of {known}", advice)
        _require_named(f"method_options.{name}.method", made_by, mending.METHODS)
        if made_by == "mfd" and config.teacher_cache:
            raise ValueError(
                "--config.teacher_cache must be '' where the method mfd reads layers "
                "of the teacher. Received: teacher_cache="
                f"{config.teacher_cache!r}."
            )


def _validate_views(config: ml_collections.ConfigDict) -> None:
    views = config.teacher_cache_views
    _require(views >= 0, "teacher_cache_views", views, "0 or a number of views")
    cached = config.teacher_cache and config.student.augmentation
    if bool(cached) != bool(views):
        raise ValueError(
            "teacher_cache_views is above 0 just where a teacher cache is used and the "
            f"student's images are augmented. Received: teacher_cache_views={views}, "
            f"teacher_cache={config.teacher_cache!r}, student.augmentation="
            f"{config.student.augmentation!r}. As many views as student.epochs="
            f"{config.student.epochs} train as the live teacher does, which "
            "teacher_cache='' and teacher_cache_views=0 run."
        )


def _validate_recipe(role: str, recipe: ml_collections.ConfigDict) -> None:
    for field in ("batch_size", "learning_rate"):
        value = recipe[field]
        allowed = 0 < value < float("inf")
        _require(allowed, f"{role}.{field}", value, "a number above 0")
    _require(
        recipe.epochs > 0 or (recipe.epochs == 0 and bool(recipe.pretrained)),
        f"{role}.epochs",
        recipe.epochs,
        f"a number above 0, or 0 to take {role}.pretrained as it is",
    )
    _require(
        0 <= recipe.warmup_epochs <= recipe.epochs,
        f"{role}.warmup_epochs",
        recipe.warmup_epochs,
        f"a number from 0 to {role}.epochs",
    )
    for field, names in (
        ("model", models.MODELS),
        ("augmentation", ["", *AUGMENTATIONS]),
        ("optimizer", OPTIMIZERS),
    ):
        _require_named(f"{role}.{field}", recipe[field], names)
    if not named.is_own(recipe.optimizer):
        _optimizer(recipe)


def _optimizer(recipe: ml_collections.ConfigDict) -> None:
    """Refuses an unknown name or option."""
    training.optimizer(
        recipe.optimizer,
        learning_rate=recipe.learning_rate,
        schedule=recipe.schedule,
        total_steps=1,
        **recipe.optimizer_options,
    )


def _require_named(field: str, value: Any, known: Iterable[str]) -> None:
    names = sorted(known)
    _require(
        value in names or named.is_own(value),
        field,
        value,
        f"one of {names}, or one's own as 'module:function'",
        named.did_you_mean(value, names),
    )


def _require(
    allowed: bool, field: str, value: Any, what: str, advice: str = ""
) -> None:
    if not allowed:
        raise ValueError(
            f"--config.{field} must be {what}. Received: {field}={value!r}.{advice}"
        )
