"""Knowledge distillation for Keras that shows whom the student fails."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kd_keras.distiller import Distiller

__version__ = "0.1.0"

__all__ = ["Distiller"]


def __getattr__(name: str) -> Any:
    # On first use, so that `kd_keras.fairness` alone does not import TensorFlow.
    if name == "Distiller":
        return importlib.import_module("kd_keras.distiller").Distiller
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
