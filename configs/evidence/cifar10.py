"""CIFAR-10 with augmentation, three seeds: finding 1 with the published models.

--config.teacher.pretrained names the file of the teacher's weights. The plan is for a
balanced 10,000 of the training images, in `dataset.data_dir`; a tenth is validation.
"""

import ml_collections

from configs import cifar10_resnet56_resnet20
from configs.evidence import _plan


def get_config() -> ml_collections.ConfigDict:
    config = cifar10_resnet56_resnet20.get_config()
    _plan.decide(config, "cifar10_evidence", seeds=3)
    config.temperatures = (1.0, 4.0, 10.0)
    config.teacher.epochs = 0
    config.student.epochs = 60
    config.student.batch_size = 64
    config.student.schedule = "cosine"
    # The teacher is asked once for each of twenty views; a student sees each thrice.
    config.teacher_cache = "float32"
    config.teacher_cache_views = 20
    return config
