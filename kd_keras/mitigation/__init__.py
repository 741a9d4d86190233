"""Mending of a model that harms a group."""

from kd_keras.mitigation.group_thresholds import GroupThresholds
from kd_keras.mitigation.outcome import GroupChange, Outcome

__all__ = ["GroupChange", "GroupThresholds", "Outcome"]
