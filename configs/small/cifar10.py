"""A short CIFAR-10 study: a published teacher, few epochs.

--config.teacher.pretrained names the file of the teacher's weights.
"""

import ml_collections

from configs import cifar10_resnet56_resnet20


def get_config() -> ml_collections.ConfigDict:
    config = cifar10_resnet56_resnet20.get_config()
    config.name = "cifar10"
    config.seeds = (0, 1, 2)
    config.temperatures = (1.0, 4.0, 10.0)
    config.teacher.epochs = 0
    config.student.epochs = 8
    config.student.schedule = "cosine"
    # The same images in every epoch: the teacher is asked once for each.
    config.student.augmentation = ""
    config.teacher_cache = "float32"
    return config
