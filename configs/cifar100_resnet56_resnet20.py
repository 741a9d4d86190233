"""CIFAR-100, ResNet-56 -> ResNet-20.

Not as published, as far as is known: the study names no validation split. Here a
tenth of the training images is kept for it, and not trained on.
"""

import ml_collections

from configs import _protocol, cifar10_resnet56_resnet20


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "cifar100_resnet56_resnet20",
        dataset={"name": "cifar100", "validation_fraction": 0.1},
        # The recipe of CIFAR-10 (He et al. 2016).
        teacher=cifar10_resnet56_resnet20.recipe("resnet56"),
        student=cifar10_resnet56_resnet20.recipe("resnet20"),
    )
