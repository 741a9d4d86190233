"""How a study measures individual fairness: extractor, distances, pairs."""

from collections.abc import Mapping
from typing import Any

from kd_keras import files
from kd_keras.fairness.individual import INPUT_DISTANCES, OUTPUT_DISTANCES

# The extractor that is no file: the first seed's teacher without its last layer.
TEACHER = "teacher"
# None at all: the examples' own features.
INPUT = "input"
DEFAULTS = {
    "extractor": TEACHER,
    "input_distance": "cosine",
    "output_distance": "total_variation",
    "pairs": 100_000,
}


def options(config: Mapping[str, Any]) -> dict[str, Any]:
    """A study's settings; `DEFAULTS` where its config has none."""
    return DEFAULTS | dict(config["evaluation"].get("individual_fairness", {}))


def validate(config: Mapping[str, Any]) -> None:
    """Raises a ValueError that names the first setting with a value not allowed."""
    found = options(config)
    for name, known in (
        ("input_distance", INPUT_DISTANCES),
        ("output_distance", OUTPUT_DISTANCES),
    ):
        if found[name] not in known:
            _refuse(name, found[name], f"one of {list(known)}")
    pairs = found["pairs"]
    if pairs != "all" and not (type(pairs) is int and pairs > 0):
        _refuse("pairs", pairs, "an integer above 0 or 'all'")


def require_extractor(config: Mapping[str, Any]) -> None:
    """Raises a ValueError if a study that begins has an extractor that is not there."""
    extractor = options(config)["extractor"]
    if extractor not in (TEACHER, INPUT) and not files.exists(extractor):
        _refuse("extractor", extractor, f"{TEACHER!r}, {INPUT!r} or a .keras file")


def _refuse(name: str, value: Any, allowed: str) -> None:
    field = f"evaluation.individual_fairness.{name}"
    raise ValueError(f"--config.{field} must be {allowed}. Received: {value!r}.")
