"""Mending of a model that harms a group."""

import importlib
from typing import TYPE_CHECKING, Any

from kd_keras.mitigation.group_offsets import GroupOffsets
from kd_keras.mitigation.group_thresholds import GroupThresholds
from kd_keras.mitigation.outcome import GroupChange, Outcome

if TYPE_CHECKING:
    from kd_keras.mitigation.heads import group_head
    from kd_keras.mitigation.layers import GroupShift
    from kd_keras.mitigation.served_group import named_groups, with_group_feature

__all__ = [
    "GroupChange",
    "GroupOffsets",
    "GroupShift",
    "GroupThresholds",
    "Outcome",
    "group_head",
    "named_groups",
    "with_group_feature",
]
# On first use, so that thresholds are fitted without TensorFlow.
_WITH_TENSORFLOW = {
    "GroupShift": "layers",
    "group_head": "heads",
    "named_groups": "served_group",
    "with_group_feature": "served_group",
}


def __getattr__(name: str) -> Any:
    if name in _WITH_TENSORFLOW:
        module = f"kd_keras.mitigation.{_WITH_TENSORFLOW[name]}"
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
