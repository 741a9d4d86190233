"""Knowledge distillation for Keras that shows whom the student fails."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kd_keras.auditing import Audit, audit, audit_predictions
    from kd_keras.datasets import DatasetSpec
    from kd_keras.distiller import Distiller

__version__ = "0.1.0"

__all__ = ["Audit", "DatasetSpec", "Distiller", "audit", "audit_predictions"]


def __getattr__(name: str) -> Any:
    # On first use, so that `kd_keras.fairness` alone does not import TensorFlow.
    if name == "Distiller":
        return importlib.import_module("kd_keras.distiller").Distiller
    if name == "DatasetSpec":
        return importlib.import_module("kd_keras.datasets").DatasetSpec
    if name in ("Audit", "audit", "audit_predictions"):
        return getattr(importlib.import_module("kd_keras.auditing"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
