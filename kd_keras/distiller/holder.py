"""A Keras model that reads a teacher without owning it."""

from typing import Any

from kd_keras.distiller import settings
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.keras_internals import HidingModel


class TeacherHolder(HidingModel):
    """Keeps teachers out of its layers, weights, checkpoints and files.

    Subclasses set `teacher_outputs` and `teacher_weights` before they attach a
    teacher. They take keyword arguments only.
    """

    hidden = ("teacher",)
    teacher_outputs: Any
    teacher_weights: Any
    train_function: Any
    test_function: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> "TeacherHolder":
        if args:
            raise TypeError(
                f"{cls.__name__} takes keyword arguments only, because "
                "keras.distillation.Distiller takes the teacher first: swapped, the "
                f"teacher would be trained. Received: {len(args)} positional "
                f"argument(s). Write {cls.__name__}(student=..., teacher=...)."
            )
        return super().__new__(cls, **kwargs)

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._teachers: list[Teacher] = []
        self._teacher_fingerprint: str | None = None

    @property
    def teacher(self) -> Any:
        """The teacher, a list if there are several, or None."""
        models = [teacher.model for teacher in self._teachers]
        return models if len(models) > 1 else next(iter(models), None)

    @teacher.setter
    def teacher(self, teacher: Any) -> None:
        self.attach_teacher(teacher)

    @property
    def teacher_fingerprint(self) -> str | None:
        """SHA-256 of the teacher's weights, also while none is attached."""
        if self._teachers:
            return fingerprint(self._teachers)
        return self._teacher_fingerprint

    def attach_teacher(self, teacher: Any, *, allow_different: bool = False) -> None:
        """Sets the teacher, for example after loading.

        Args:
          teacher: as in the constructor.
          allow_different: whether it may differ from the teacher so far.

        Raises:
          ValueError: if it differs and may not, or contradicts the settings.
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

    def retrace(self) -> None:
        """Drops graphs that hold replaced settings."""
        if self.train_function is not None:
            self.make_train_function(force=True)
        if self.test_function is not None:
            self.make_test_function(force=True)
