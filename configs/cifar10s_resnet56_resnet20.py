"""CIFAR-10S (gray or colored goes with the class in training), ResNet-56 -> ResNet-20.

Methods that mend are compared with plain distillation.
"""

import ml_collections

from configs import _protocol, cifar10_resnet56_resnet20


def get_config() -> ml_collections.ConfigDict:
    config = _protocol.study(
        "cifar10s_resnet56_resnet20",
        # Wang et al. 2020: 95 % of five classes are colored, of the others gray.
        dataset={"name": "cifar10s", "validation_fraction": 0.1, "skew": 0.95},
        attributes=("color",),
        # The recipe of CIFAR-10 (He et al. 2016).
        teacher=cifar10_resnet56_resnet20.recipe("resnet56"),
        student=cifar10_resnet56_resnet20.recipe("resnet20"),
    )
    config.temperatures = (4.0,)
    config.methods = ("plain", "reweighed", "balanced", "group_dro", "min_diff")
    config.method_options = ml_collections.ConfigDict(
        {"min_diff": {"on": "positives", "weight": 1.0}}
    )
    return config
