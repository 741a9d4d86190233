"""How a study damages its data: which corruptions, of which splits."""

from collections.abc import Mapping
from typing import Any

from kd_keras.datasets import DatasetSpec, corruptions
from pipelines.studies import wordnet

FIELD = "evaluation.corruptions"


def names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The corruptions of a study; none where its config has no such field."""
    return tuple(config["evaluation"].get("corruptions", ()))


def splits(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The splits that are damaged: a temperature is chosen on validation data."""
    return tuple(dict.fromkeys(("validation", config["evaluation"]["split"])))


def validate(config: Mapping[str, Any]) -> None:
    """Raises a ValueError unless these are names of corruptions."""
    given = config["evaluation"].get("corruptions", ())
    if not isinstance(given, tuple | list) or len(set(given)) < len(given):
        raise ValueError(
            f"--config.{FIELD} must be a tuple of distinct names, such as "
            f"('gaussian_noise',). Received: {given!r}."
        )
    require(config)


def require(config: Mapping[str, Any], spec: DatasetSpec | None = None) -> None:
    """Raises a ValueError if a corruption is unknown, or these data cannot have it.

    Args:
      config: the study's.
      spec: of its data set; None to look at the names alone.
    """
    for name in names(config):
        try:
            corruptions.require(name, spec)
        except ValueError as error:
            raise ValueError(f"--config.{FIELD}: {error}") from error


def require_words(config: Mapping[str, Any]) -> None:
    """Raises a ValueError if WordNet is needed and not there.

    Whoever reads what was predicted needs none.
    """
    if "synonyms" in names(config):
        try:
            wordnet.synonyms()
        except ValueError as error:
            raise ValueError(f"--config.{FIELD}: {error}") from error
