"""Mending of a model that harms a group."""

import importlib
from typing import TYPE_CHECKING, Any

from kd_keras.mitigation.group_offsets import GroupOffsets
from kd_keras.mitigation.group_thresholds import GroupThresholds
from kd_keras.mitigation.outcome import GroupChange, Outcome
from kd_keras.mitigation.sample_weights import group_balancing, reweighing

if TYPE_CHECKING:
    from kd_keras.mitigation.class_balance import (
        BalancedKD,
        BalancedSoftmax,
        ada_alpha,
    )
    from kd_keras.mitigation.fair_features import FairFeatures
    from kd_keras.mitigation.group_dro import GroupDRO
    from kd_keras.mitigation.heads import group_head
    from kd_keras.mitigation.layers import GroupShift
    from kd_keras.mitigation.min_diff import MinDiff
    from kd_keras.mitigation.mixed_loss import MixedLoss
    from kd_keras.mitigation.served_group import named_groups, with_group_feature

__all__ = [
    "BalancedKD",
    "BalancedSoftmax",
    "FairFeatures",
    "GroupChange",
    "GroupDRO",
    "GroupOffsets",
    "GroupShift",
    "GroupThresholds",
    "MinDiff",
    "MixedLoss",
    "Outcome",
    "ada_alpha",
    "group_balancing",
    "group_head",
    "named_groups",
    "reweighing",
    "with_group_feature",
]
# On first use, so that thresholds are fitted without TensorFlow.
_WITH_TENSORFLOW = {
    "BalancedKD": "class_balance",
    "BalancedSoftmax": "class_balance",
    "FairFeatures": "fair_features",
    "GroupDRO": "group_dro",
    "GroupShift": "layers",
    "MinDiff": "min_diff",
    "MixedLoss": "mixed_loss",
    "ada_alpha": "class_balance",
    "group_head": "heads",
    "named_groups": "served_group",
    "with_group_feature": "served_group",
}


def __getattr__(name: str) -> Any:
    if name in _WITH_TENSORFLOW:
        module = f"kd_keras.mitigation.{_WITH_TENSORFLOW[name]}"
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
