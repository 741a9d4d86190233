"""Damaged data: images, tables and texts as they come in practice, at five severities.

Hendrycks & Dietterich 2019, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations"; the parameters for tables and texts are this project's.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras.datasets.corruptions import images, tables, texts
from kd_keras.datasets.corruptions.tables import Training, training
from kd_keras.datasets.corruptions.texts import Synonyms
from kd_keras.datasets.examples import is_image
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.named import did_you_mean

__all__ = [
    "CORRUPTIONS",
    "SEVERITIES",
    "Synonyms",
    "Training",
    "corrupt",
    "corrupt_batch",
    "kind_of",
    "require",
    "training",
]

SEVERITIES = (1, 2, 3, 4, 5)
_BATCH = 256  # Examples that are damaged at a time.
# Kind of data -> its corruptions.
CORRUPTIONS: dict[str, tuple[str, ...]] = {
    "images": tuple(images.PARAMETERS),
    "tables": ("feature_noise", "missing_values"),
    "texts": ("typos", "synonyms"),
}
_OF_TABLES = {
    "feature_noise": tables.feature_noise,
    "missing_values": tables.missing_values,
}

Example = dict[str, Any]


def kind_of(spec: DatasetSpec) -> str:
    """The key of `CORRUPTIONS` that a data set is of.

    With an image among its features it is of images; with strings alone of texts, if
    there is one feature; else a table.
    """
    features = list(spec.features.values())
    if any(map(is_image, features)):
        return "images"
    is_text = len(features) == 1 and features[0].dtype == tf.string
    return "texts" if is_text else "tables"


def require(name: str, spec: DatasetSpec | None = None) -> None:
    """Raises a ValueError unless there is this corruption.

    Args:
      name: of the corruption.
      spec: of the data that it shall damage; None for any.
    """
    known = [other for names in CORRUPTIONS.values() for other in names]
    if name not in known:
        raise ValueError(
            f"Unknown corruption {name!r}.{did_you_mean(name, known)} Available: "
            f"{', '.join(known)}."
        )
    if spec is None:
        return
    kind = kind_of(spec)
    if name not in CORRUPTIONS[kind]:
        (of,) = (k for k, names in CORRUPTIONS.items() if name in names)
        raise ValueError(
            f"The corruption {name!r} is for {of}, and the data set {spec.name!r} is "
            f"of {kind}. For {kind} there are: {', '.join(CORRUPTIONS[kind])}."
        )


def corrupt(
    examples: tf.data.Dataset,
    spec: DatasetSpec,
    name: str,
    severity: int,
    *,
    seed: int = 0,
    known: Training | Synonyms | None = None,
) -> tf.data.Dataset:
    """The same examples, damaged.

    What is drawn depends on the seed, the corruption and the example's position alone.
    So a higher severity does more of the same: noise, typing errors, synonyms and
    missing values of a lower one are among its own.

    Args:
      examples: single examples, dicts under the spec's keys, in a fixed order.
      spec: names of the features. Labels, groups and ids stay.
      name: a corruption of `CORRUPTIONS`, of the kind of the data. Images, uint8
        `[height, width, 1 or 3]`, with no side above 64 pixels get the parameters of
        CIFAR-10-C, others those of ImageNet-C.
      severity: 1 to 5.
      seed: from 0 on.
      known: for tables what is known of the training split, from `training`; for
        "synonyms" a function that gives those of a word in small letters.

    Raises:
      ValueError: if there is no such corruption for these data, or an argument is not
        as described.

    Example:

    ```python
    from kd_keras.datasets import corruptions

    known = corruptions.training(examples, spec)
    noisy = corruptions.corrupt(examples, spec, "feature_noise", 3, known=known)
    kd_keras.audit({"alone": alone, "student": student}, noisy, spec)
    ```
    """
    _require_usable(name, spec, severity, known)

    def damaged() -> Iterator[Example]:
        position = 0
        for batch in examples.batch(_BATCH).as_numpy_iterator():
            yield corrupt_batch(
                batch, spec, name, severity, position=position, seed=seed, known=known
            )
            position += len(batch[spec.label])

    element = {
        key: tf.TensorSpec((None, *feature.shape), feature.dtype)
        for key, feature in examples.element_spec.items()
    }
    made = tf.data.Dataset.from_generator(damaged, output_signature=element).unbatch()
    return made.apply(tf.data.experimental.assert_cardinality(examples.cardinality()))


def corrupt_batch(
    batch: Mapping[str, np.ndarray],
    spec: DatasetSpec,
    name: str,
    severity: int,
    *,
    position: int,
    seed: int = 0,
    known: Training | Synonyms | None = None,
) -> dict[str, np.ndarray]:
    """The examples of one batch, damaged as `corrupt` damages them.

    Args:
      batch: NumPy values `[batch, ...]` under the spec's keys.
      position: of the first example in its split.
      spec, name, severity, seed, known: as of `corrupt`.
    """
    _require_usable(name, spec, severity, known)
    change = _change(spec, name, severity, known)
    # Other corruptions of the same example draw other numbers.
    stream = zlib.crc32(name.encode())
    found: dict[str, list[Any]] = {}
    for row in range(len(batch[next(iter(spec.features))])):
        rng = np.random.default_rng([seed, stream, position + row])
        example = {key: batch[key][row] for key in spec.features}
        for key, value in change(example, rng).items():
            found.setdefault(key, []).append(value)
    return {**batch, **{key: _stacked(values) for key, values in found.items()}}


def _require_usable(
    name: str, spec: DatasetSpec, severity: int, known: Training | Synonyms | None
) -> None:
    """Raises a ValueError unless `corrupt` takes these arguments."""
    require(name, spec)
    if severity not in SEVERITIES:
        raise ValueError(
            f"`severity` must be one of {SEVERITIES}. Received: {severity!r}."
        )
    if name in _OF_TABLES and not isinstance(known, Training):
        raise ValueError(
            f"The corruption {name!r} needs `known`, what is known of the training "
            "split: corruptions.training(dataset.splits['train'], spec)."
        )
    if name == "synonyms" and not callable(known):
        raise ValueError(
            "The corruption 'synonyms' needs `known`, a function that gives the "
            "synonyms of a word in small letters, such as lambda word: "
            "{'big': ['large']}.get(word, ())."
        )


def _change(
    spec: DatasetSpec, name: str, severity: int, known: Training | Synonyms | None
) -> Callable[[Example, np.random.Generator], Example]:
    """(one example's features, what draws) -> those of them that are damaged."""
    if name in _OF_TABLES and isinstance(known, Training):
        of_table, training_split = _OF_TABLES[name], known
        return lambda example, rng: of_table(example, severity, training_split, rng)
    if name in images.PARAMETERS:
        keys = [key for key, feature in spec.features.items() if is_image(feature)]
        return lambda example, rng: {
            key: images.corrupt(example[key], name, severity, rng) for key in keys
        }
    of_text = _change_of_text(name, severity, known)
    return lambda example, rng: {
        key: _text(example[key], of_text, rng) for key in spec.features
    }


def _change_of_text(
    name: str, severity: int, known: Training | Synonyms | None
) -> Callable[[str, np.random.Generator], str]:
    if name == "synonyms" and callable(known):
        rate, of = texts.SYNONYM_RATES[severity - 1], known
        return lambda text, rng: texts.synonyms(text, rate, of, rng)
    rate = texts.RATES[severity - 1]
    return lambda text, rng: texts.typos(text, rate, rng)


def _text(
    value: Any,
    change: Callable[[str, np.random.Generator], str],
    rng: np.random.Generator,
) -> Any:
    """A text, or an array of texts, UTF-8, damaged."""
    if isinstance(value, bytes):
        # Bytes that are no UTF-8 come back as they were.
        text = change(value.decode("utf-8", "surrogateescape"), rng)
        return text.encode("utf-8", "surrogateescape")
    flat = [_text(one, change, rng) for one in value.ravel()]
    return np.array(flat, object).reshape(value.shape)


def _stacked(values: list[Any]) -> np.ndarray:
    """Values of several examples, `[examples, ...]`; NumPy keeps texts as they are."""
    return (
        np.array(values, object) if isinstance(values[0], bytes) else np.stack(values)
    )
