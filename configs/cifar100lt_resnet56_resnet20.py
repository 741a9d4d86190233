"""CIFAR-100-LT (classes get exponentially rarer), ResNet-56 -> ResNet-20.

Methods by class are compared with plain distillation.
"""

import ml_collections

from configs import _protocol, cifar10_resnet56_resnet20


def get_config() -> ml_collections.ConfigDict:
    config = _protocol.study(
        "cifar100lt_resnet56_resnet20",
        # Cao et al. 2019.
        dataset={"name": "cifar100lt", "validation_fraction": 0.1, "imbalance": 100.0},
        # The recipe of CIFAR-10 (He et al. 2016).
        teacher=cifar10_resnet56_resnet20.recipe("resnet56"),
        student=cifar10_resnet56_resnet20.recipe("resnet20"),
    )
    # Zhang et al. 2023 distil at T=2.
    config.temperatures = (2.0,)
    config.methods = ("plain", "ada_alpha", "balanced_kd", "balanced_softmax")
    return config
