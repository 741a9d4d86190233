"""What a file holds of a Distiller: the student and the settings, not the teacher."""

from collections.abc import Mapping
from typing import Any

import keras

from kd_keras.distiller.holder import TeacherHolder
from kd_keras.distiller.live import LiveNumber
from kd_keras.distiller.projections import restore_projections
from kd_keras.losses import FeatureHint

# Arguments that are Keras objects, numbers or names, and those that are plain values.
_OBJECTS = ("student", "temperature", "alpha", "soft_loss", "hints", "parts")
_VALUES = (
    "head",
    "teacher_outputs",
    "scale_by_temperature_squared",
    "teacher_weights",
    "combine_teachers",
    "time_chunk",
)


class SavedDistiller(TeacherHolder):
    """Saves and restores a Distiller so that training goes on where it was."""

    student: keras.Model
    hints: list[FeatureHint]
    projections: list[keras.layers.Dense | None]
    part_variables: list[keras.Variable]
    _temperature: LiveNumber
    _alpha: LiveNumber

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, and the teacher's fingerprint."""
        serialize = keras.saving.serialize_keras_object
        config = super().get_config()
        config.update({name: serialize(getattr(self, name)) for name in _OBJECTS})
        config.update({name: getattr(self, name) for name in _VALUES})
        config["teacher_fingerprint"] = self.teacher_fingerprint
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict | None = None
    ) -> "SavedDistiller":
        """Makes the distiller that has this config, without its teacher."""
        config = dict(config)
        fingerprint = config.pop("teacher_fingerprint")
        for name in (name for name in _OBJECTS if name in config):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        distiller = cls(**config)
        distiller._teacher_fingerprint = fingerprint
        return distiller

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as saved, with the optimizer ready for its saved state."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def save_own_variables(self, store: Any) -> None:
        """Writes the variables that are not the student's weights."""
        for i, variable in enumerate(self._own_state()):
            store[str(i)] = variable

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Reads what `save_own_variables` wrote."""
        for i, variable in enumerate(self._own_state()):
            variable.assign(store[str(i)])

    def _own_state(self) -> list[keras.Variable]:
        """Also the random seeds of the student, which Keras does not save."""
        saved = {id(v) for v in self.student.weights + self.student.metrics_variables}
        seeds = [v for v in self.student.variables if id(v) not in saved]
        numbers = [self._temperature.variable, self._alpha.variable]
        return [*numbers, *seeds, *self.part_variables]

    def get_build_config(self) -> dict[str, Any]:
        """Beside Keras' config the widths of the projections."""
        widths = [
            layer and [layer.kernel.shape[0], layer.units] for layer in self.projections
        ]
        return {**(super().get_build_config() or {}), "projections": widths}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Makes the projections anew, which a teacher alone could tell."""
        config = dict(config)
        if widths := config.pop("projections"):
            self.projections = restore_projections(self.hints, widths)
        super().build_from_config(config)
