"""Students of a cache with augmented views train as those of a live teacher do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import Distiller, teacher_cache, training
from kd_keras.datasets.batches import training_batches

AUGMENTED = {"augmentation": "pad_crop_flip", "seed": 5}


@pytest.fixture(scope="module")
def cache(tmp_path_factory, tiny_dataset, teacher):
    """(views) -> float32 cache of the training split."""

    def of(views):
        return teacher_cache.build(
            str(tmp_path_factory.mktemp("cache")),
            teacher,
            tiny_dataset.splits["train"],
            tiny_dataset.spec,
            storage="float32",
            views=views,
            **AUGMENTED,
        )

    return of


def test_as_many_views_as_epochs_train_like_the_live_teacher(
    tmp_path, tiny_dataset, teacher, network, cache
):
    def fit(name, **options):
        distiller = Distiller(student=network(1), teacher=teacher, temperature=3.0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        distiller.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
        return training.fit(
            distiller,
            tiny_dataset,
            directory=str(tmp_path / name),
            epochs=3,
            batch_size=16,
            **AUGMENTED,
            **options,
        )

    live = fit("live")
    for cached, expected in zip(
        fit("cached", views=3, cache=cache(3)), live, strict=True
    ):
        assert cached == pytest.approx(expected, rel=1e-4)
    # With one view less the third epoch sees other images.
    fewer = fit("fewer", views=2, cache=cache(2))
    assert fewer[1] == pytest.approx(live[1], rel=1e-4)
    assert fewer[2] != pytest.approx(live[2], rel=1e-4)


def test_students_without_a_teacher_see_the_same_batches(tiny_dataset, train, cache):
    epoch = tf.Variable(0, dtype=tf.int64)
    options = {"batch_size": 16, "seed": 5, "epoch": epoch, "shuffle_buffer": 90}
    alone = training_batches(
        train, tiny_dataset.spec, augmentation="pad_crop_flip", views=2, **options
    )
    joined = cache(2).join(train, epoch)
    taught = training_batches(joined, tiny_dataset.spec, **options)
    for number in range(4):
        epoch.assign(number)
        for (x, y), (x_taught, y_taught) in zip(alone, taught, strict=True):
            np.testing.assert_array_equal(x, x_taught)
            np.testing.assert_array_equal(y, y_taught["labels"])
