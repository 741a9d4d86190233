"""Teacher logits on disk: the teacher runs once, its students read."""

from kd_keras.teacher_cache.hidden import HiddenStates
from kd_keras.teacher_cache.reading import TeacherCache
from kd_keras.teacher_cache.storage import Dense, SampledIds, TopK
from kd_keras.teacher_cache.writing import build, reopen

__all__ = [
    "Dense",
    "HiddenStates",
    "SampledIds",
    "TeacherCache",
    "TopK",
    "build",
    "reopen",
]
