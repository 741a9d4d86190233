"""A Distiller as a notebook shows it."""

from typing import Any

import keras

from kd_keras.table import Table

_SHOWN = ("temperature", "alpha", "soft_loss", "head", "teacher_outputs")


def html_table(distiller: Any) -> str:
    """Student, teacher and settings of a `Distiller` as a table."""
    given = distiller.teacher
    teachers = given if isinstance(given, list) else [given]
    rows = [
        ("student", _described(distiller.student)),
        ("teacher", ", ".join(map(_described, teachers)) if given else "none"),
        *((name, str(getattr(distiller, name))) for name in _SHOWN),
        *(("hint", hint.name) for hint in distiller.hints),
        *(("part", part.name) for part in distiller.parts),
    ]
    return Table(distiller.name, ("Distiller", ""), rows).html()


def _described(model: Any) -> str:
    if isinstance(model, keras.layers.Layer) and model.built:
        return f"{model.name}, {model.count_params():,} parameters"
    return getattr(model, "name", type(model).__name__)
