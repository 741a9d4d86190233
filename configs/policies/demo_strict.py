"""As demo.py, with a drop in accuracy that a student so small cannot keep."""

import ml_collections

from configs.policies import demo


def get_config() -> ml_collections.ConfigDict:
    policy = demo.get_config()
    policy.name = "demo_strict"
    policy.conditions.accuracy_drop.at_least = -0.01
    return policy
