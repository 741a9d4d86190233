"""A Keras model that reads a teacher without owning it."""

import keras

from kd_keras.distiller import settings
from kd_keras.distiller.teacher import Teacher, fingerprint


class TeacherHolder(keras.Model):
    """Keeps teachers out of its layers, weights, checkpoints and files.

    Subclasses set `teacher_outputs` and `teacher_weights` before they attach a
    teacher.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._teachers = []
        self._teacher_fingerprint = None

    def __setattr__(self, name, value):
        # Keras would make the teacher a sublayer before the property sees it.
        if name == "teacher":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def __dir__(self):
        # Keras saves the models that it finds under these names.
        return [name for name in super().__dir__() if name != "teacher"]

    @property
    def teacher(self):
        """The teacher, a list if there are several, or None."""
        models = [teacher.model for teacher in self._teachers]
        return models if len(models) > 1 else next(iter(models), None)

    @teacher.setter
    def teacher(self, teacher):
        self.attach_teacher(teacher)

    @property
    def teacher_fingerprint(self):
        """SHA-256 of the teacher's weights, also while none is attached."""
        if self._teachers:
            return fingerprint(self._teachers)
        return self._teacher_fingerprint

    def attach_teacher(self, teacher, *, allow_different=False):
        """Sets the teacher, for example after loading.

        Args:
            teacher: As in the constructor.
            allow_different: Whether it may differ from the teacher so far.

        Raises:
            ValueError: If it differs and may not, or contradicts the settings.
        """
        given = list(teacher) if isinstance(teacher, (list, tuple)) else [teacher]
        teachers = [Teacher(model) for model in given]
        for model in given:
            settings.check_teacher_outputs(model, self.teacher_outputs)
        expected = self.teacher_fingerprint
        received = fingerprint(teachers) if expected else None
        if expected != received and not allow_different:
            raise ValueError(
                "`teacher` is not the one that the student was trained with. "
                f"Received: weights with fingerprint {received}, expected {expected}. "
                "Pass the same teacher, or call attach_teacher(teacher, "
                "allow_different=True)."
            )
        settings.check_teacher_weights(self.teacher_weights, len(teachers))
        self._teachers = teachers
        self.retrace()

    def retrace(self):
        """Drops graphs that hold replaced settings."""
        if self.train_function is not None:
            self.make_train_function(force=True)
        if self.test_function is not None:
            self.make_test_function(force=True)
