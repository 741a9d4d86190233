"""Knowledge distillation as a Keras model."""

from kd_keras.distiller.distiller import Distiller

__all__ = ["Distiller"]
