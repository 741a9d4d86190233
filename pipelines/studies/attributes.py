"""The sensitive attributes of a study, and the crossings that its config asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import attribute_name, parts


def as_attribute(value: Any) -> Attribute:
    """An attribute as configs and JSON have it: a name, or names to cross."""
    if isinstance(value, tuple | list):
        return tuple(value) if len(value) != 1 else value[0]
    return value


def single(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that examples have: the ones that are named, and parts of crossings."""
    named = map(as_attribute, config.get("attributes", ()))
    return tuple(dict.fromkeys(name for of in named for name in parts(of)))


def crossings(config: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The tuples of `config.attributes`, in their order."""
    named = map(as_attribute, config.get("attributes", ()))
    return tuple(of for of in named if isinstance(of, tuple))


def validate(config: Mapping[str, Any]) -> None:
    """Raises a ValueError that names the first entry which is no attribute."""
    given = config["attributes"]
    if not isinstance(given, tuple | list):
        refuse(given, "a tuple of names, and of tuples of names to cross")
    for entry in given:
        names = entry if isinstance(entry, tuple | list) else [entry]
        if not all(isinstance(name, str) and name for name in names):
            refuse(entry, "a name, or a tuple of names to cross")
        check_crossing("config.attributes", names)
    titles = [attribute_name(as_attribute(entry)) for entry in given]
    if len({*titles}) < len(titles):
        refuse(given, "different ones")


def check_crossing(where: str, names: Sequence[str]) -> None:
    """Raises a ValueError unless there is a name, and none occurs twice."""
    if not names or len({*names}) < len(names):
        raise ValueError(
            f"--{where} must be names of attributes, and tuples of different ones to "
            f"cross. Received: {tuple(names)!r}."
        )


def refuse(received: Any, allowed: str) -> None:
    raise ValueError(f"--config.attributes must be {allowed}. Received: {received!r}.")
