"""How attributes, their crossings and groups are written, in one place."""

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.encoding import Group


def parts(attribute: Attribute) -> tuple[str, ...]:
    """The attributes that are crossed: itself, or none for all examples."""
    if isinstance(attribute, tuple):
        return attribute
    return (attribute,) if attribute else ()


def attribute_name(attribute: Attribute) -> str:
    """A crossing as "sex x race"."""
    return " x ".join(parts(attribute))


def log_name(attribute: Attribute) -> str:
    """As `attribute_name`, without spaces beside the x: "sex_x_race"."""
    return "_x_".join(parts(attribute))


def group_name(group: Group) -> str:
    """A crossed group as "Female, Black"."""
    return ", ".join(map(str, group)) if isinstance(group, tuple) else str(group)
