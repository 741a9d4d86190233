"""The published study's protocol, which the configs of its rows share.

What it does not say, and is chosen here: optimizers, schedules, epochs, batch sizes and
augmentation (each config names the source of its recipe), a validation split, and
whether the distillation term is multiplied by T squared. That alpha = 0.8 weights the
distillation term is on the authors' slides; their blog has the weights the other way
round.
"""

from typing import Any

import ml_collections


def study(
    name: str,
    *,
    dataset: dict[str, Any],
    teacher: ml_collections.ConfigDict,
    student: ml_collections.ConfigDict,
    attributes: tuple[str | tuple[str, ...], ...] = (),
) -> ml_collections.ConfigDict:
    """A study of five seeds and thirteen temperatures.

    Args:
      name: name of the study.
      dataset: name of the data set and options of its `load`.
      teacher: recipe of the teacher.
      student: recipe of the students, distilled or not.
      attributes: sensitive attributes, of those that the data set has, and tuples of
        them, whose groups are crossed: ("sex", "race", ("sex", "race")).
    """
    config = ml_collections.ConfigDict()
    config.name = name
    # Every model is trained once per seed: teacher, nds and ds(T).
    config.seeds = (0, 1, 2, 3, 4)
    config.temperatures = tuple(float(t) for t in (*range(1, 11), 20, 30, 40))
    # Weight of the distillation term; the hard labels' term has 1 - alpha.
    config.alpha = 0.8
    # A key of kd_keras.losses.SOFTMAX_LOSSES, or one's own: "module:function".
    config.soft_loss = "kl"
    # Name -> fields of kd_keras.losses.FeatureHint, or of "hint", one's own
    # "module:Class". Hints read the teacher in every step: teacher_cache is "" then.
    config.hints = ml_collections.ConfigDict()
    # What mends the distilled students while they are trained: keys of
    # pipelines.studies.mending.METHODS, or of method_options. Each is trained at every
    # temperature with every seed.
    config.methods = ("plain",)
    # Method -> its options, such as eta of group_dro; "method" names what makes it, a
    # key of METHODS or one's own "module:function", where that is not its name.
    config.method_options = ml_collections.ConfigDict()
    # Metrics of the training beside accuracy: "top_5_accuracy" or "module:function".
    config.metrics = ()
    # Multiply the distillation term by T squared (Hinton et al. 2015).
    config.scale_by_temperature_squared = True
    # The teacher's logits are stored once per seed, as "float32" or "float16"; ""
    # runs the teacher in every step.
    config.teacher_cache = "" if student.augmentation else "float32"
    # Views of an augmented image that a cache holds and a student sees, one an epoch,
    # over and over. As many as the student's epochs are those of a live teacher.
    config.teacher_cache_views = 0
    # What the teacher computes in while they are made: "float32", or "bfloat16", which
    # is faster on processors with AMX, and changes the logits a little.
    config.teacher_cache_precision = "float32"
    # What the layers compute in: "float32", or, for GPUs and TPUs, "mixed_bfloat16" or
    # "mixed_float16". Weights, logits and losses are float32 in each.
    config.precision = "float32"
    # The devices that train one model together: "one_device", "mirrored",
    # "multi_worker_mirrored" or "tpu".
    config.strategy = "one_device"
    config.attributes = attributes
    # data_dir empty: the default of TensorFlow Datasets. Nothing is fetched unless
    # download is True.
    config.dataset = ml_collections.ConfigDict(
        {"data_dir": "", "download": False, **dataset}
    )
    config.teacher = teacher
    config.student = student
    config.evaluation = ml_collections.ConfigDict()
    config.evaluation.split = "test"
    config.evaluation.confidence_intervals = False  # TFMA's jackknife; slow.
    # A rate of fewer examples is in no gap: see docs/fairness.md. 0 leaves none out.
    config.evaluation.min_examples = 10
    # Damage to predict under as well, at five severities: a tuple of names of
    # kd_keras.datasets.corruptions.CORRUPTIONS, such as ("gaussian_noise", "contrast").
    config.evaluation.corruptions = ()
    # Not published: the distances, the pairs and what the examples are embedded by.
    config.evaluation.individual_fairness = ml_collections.ConfigDict(
        {
            # The first seed's teacher without its last layer, which decides no
            # finding; "input", the features themselves; or a .keras file from features
            # to embeddings.
            "extractor": "teacher",
            "input_distance": "cosine",  # Or "euclidean".
            "output_distance": "total_variation",  # Or "euclidean".
            "pairs": 100_000,  # Random ones.
        }
    )
    return config


def recipe(
    model: str,
    *,
    optimizer: str,
    learning_rate: float,
    schedule: str,
    epochs: int,
    batch_size: int,
    warmup_epochs: float = 0.0,
    augmentation: str = "",
    shuffle_buffer: int = 0,
    pretrained: str = "",
    model_options: dict[str, Any] | None = None,
    optimizer_options: dict[str, Any] | None = None,
) -> ml_collections.ConfigDict:
    """How one model is trained.

    Args:
      model: a key of kd_keras.models.MODELS, or "module:function".
      optimizer: "adam", "adamw", "sgd", or "module:function".
      learning_rate: its highest value.
      schedule: "constant", "cosine", "linear" or "step".
      epochs: number of epochs; 0 takes the pretrained model as it is.
      batch_size: examples in a batch.
      warmup_epochs: epochs, or a part of one, in which the learning rate rises.
      augmentation: a key of kd_keras.datasets.augment.AUGMENTATIONS, or
        "module:function"; "" is none.
      shuffle_buffer: examples to shuffle among; 0 is the whole split.
      pretrained: file or name of weights to start from; "" is none.
      model_options: further arguments of the architecture.
      optimizer_options: further arguments of the optimizer. SGD's weight_decay is
        decoupled in Keras and not carried on by the momentum: that of a paper is
        divided by (1 - momentum).
    """
    fields = locals() | {
        "model_options": model_options or {},
        "optimizer_options": optimizer_options or {},
    }
    return ml_collections.ConfigDict(fields)
