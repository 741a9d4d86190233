"""Views of training images depend on seed, epoch and example id alone."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.datasets import augment
from kd_keras.datasets.batches import training_batches
from kd_keras.datasets.spec import DatasetSpec

SIZE = (12, 12)


def seed(number: int) -> tf.Tensor:
    return tf.constant([number, 7], tf.int64)


def image(height: int = 12, width: int = 12) -> np.ndarray:
    """Every pixel is another one, and none is black."""
    pixels = 1 + np.arange(height * width).reshape(height, width)
    return np.stack([pixels % 256, pixels // 256 + 1, pixels * 0 + 9], -1).astype("u1")


def views(dataset, *, run_seed=1, epoch=2, augmentation="pad_crop_flip", **options):
    """Example id -> view, in one epoch of training batches."""
    examples = dataset.splits["train"]
    # The batches hold no ids, so each example's class is made its id.
    size = int(examples.cardinality())
    numbered = examples.enumerate().map(
        lambda i, e: e | {"channel": i, "id": tf.strings.as_string(i)}
    )
    batches = training_batches(
        numbered,
        dataset.spec,
        seed=run_seed,
        epoch=tf.Variable(epoch, dtype=tf.int64),
        augmentation=augmentation,
        **{"batch_size": 16, "shuffle_buffer": size, **options},
    )
    found = {
        int(i): x for xs, ys in batches for x, i in zip(xs, ys.numpy(), strict=True)
    }
    assert len(found) == size
    return np.stack([found[i] for i in range(size)])


def test_equal_seed_epoch_and_id_give_equal_views(tiny_dataset):
    expected = views(tiny_dataset)
    np.testing.assert_array_equal(views(tiny_dataset), expected)
    # Neither the order nor the batches matter.
    again = views(tiny_dataset, batch_size=7, shuffle_buffer=1)
    np.testing.assert_array_equal(again, expected)
    tf.random.set_seed(99)
    np.testing.assert_array_equal(views(tiny_dataset), expected)


@pytest.mark.parametrize(
    "other", [{"run_seed": 5}, {"epoch": 3}], ids=["seed", "epoch"]
)
def test_another_seed_or_epoch_gives_other_views(tiny_dataset, other):
    differ = (views(tiny_dataset) != views(tiny_dataset, **other)).any((1, 2, 3))
    # Two of the 9 * 9 * 2 views are equal once in 162 times.
    assert differ.sum() >= 85


def test_the_epoch_is_read_at_each_iteration(tiny_dataset):
    epoch = tf.Variable(0, dtype=tf.int64)
    batches = training_batches(
        tiny_dataset.splits["train"].take(1),
        tiny_dataset.spec,
        batch_size=1,
        seed=0,
        epoch=epoch,
        shuffle_buffer=1,
        augmentation="pad_crop_flip",
    )
    found = []
    for number in range(20):
        epoch.assign(number)
        found.append(next(iter(batches))[0].numpy().tobytes())
    assert len(set(found)) > 10


def test_none_changes_nothing(tiny_dataset):
    expected = np.stack([e["image"] for e in tiny_dataset.splits["train"]])
    np.testing.assert_array_equal(views(tiny_dataset, augmentation=""), expected)


def shifted(dy: int, dx: int) -> np.ndarray:
    padded = np.pad(image(), [(4, 4), (4, 4), (0, 0)])
    return padded[dy : dy + 12, dx : dx + 12]


@pytest.mark.parametrize("flipped", [False, True], ids=["crop", "crop and flip"])
def test_pad_crop_gives_all_shifts(flipped):
    allowed = {shifted(y, x).tobytes(): (y, x) for y in range(9) for x in range(9)}
    turned = {shifted(y, x)[:, ::-1].tobytes() for y in range(9) for x in range(9)}
    crop = tf.function(lambda s: augment.pad_crop(image(), SIZE, s, flip=flipped))
    found = [crop(seed(i)).numpy().tobytes() for i in range(600)]
    straight = [view for view in found if view in allowed]
    assert set(found) <= allowed.keys() | (turned if flipped else set())
    # 81 shifts in 300 draws at least: one is missed with probability 0.024.
    assert len({allowed[view] for view in straight}) > 70
    # Half of 600, give or take four standard deviations of 12.
    assert len(straight) == 600 if not flipped else 250 < len(straight) < 350


def test_resized_crop_gives_the_size_of_the_spec():
    view = augment.resized_crop(tf.constant(image(40, 30)), (16, 24), seed(3))
    assert view.shape == (16, 24, 3)
    assert view.dtype == tf.uint8


def test_resized_crop_takes_8_to_100_percent_of_the_area():
    # Red rises from left to right, green from top to bottom: their ranges in a view
    # are the extents of its crop.
    ramp = np.linspace(0, 255, 256)
    red, green = np.meshgrid(ramp, ramp)
    pixels = np.stack([red, green, red * 0], -1).round().astype(np.uint8)
    crop = tf.function(lambda s: augment.resized_crop(tf.constant(pixels), (64, 64), s))
    found = np.stack([crop(seed(i)) for i in range(200)]).astype(float)
    extent = found.max((1, 2)) - found.min((1, 2)) + 1
    area = extent[:, 0] * extent[:, 1] / 256**2
    ratio = extent[:, 0] / extent[:, 1]
    # Resizing to 64 pixels loses up to four at each end.
    assert area.min() > 0.06
    assert area.min() < 0.2
    assert area.max() > 0.8
    assert 0.7 < ratio.min() < 0.85
    assert 1.18 < ratio.max() < 1.43
    flipped = found[:, 0, 0, 0] > found[:, 0, -1, 0]
    assert 70 < flipped.sum() < 130


def test_flip():
    turned = [
        augment.flip(tf.constant(image()), SIZE, seed(i)).numpy() for i in range(20)
    ]
    equal = [np.array_equal(view, image()) for view in turned]
    assert 0 < sum(equal) < 20
    for view, same in zip(turned, equal, strict=True):
        np.testing.assert_array_equal(view, image() if same else image()[:, ::-1])


def test_images_of_several_sizes_need_resizing():
    spec = DatasetSpec(
        "photos", {"image": tf.TensorSpec((8, 8, 3), tf.uint8)}, "y", ("a", "b"), {}
    )
    sides = tf.data.Dataset.from_tensor_slices([20, 30, 40])
    examples = sides.map(
        lambda side: {
            "image": tf.zeros((side, 25, 3), tf.uint8),
            "y": tf.constant(0, tf.int64),
            "id": tf.strings.as_string(side),
        }
    )

    def batches(augmentation):
        return training_batches(
            examples,
            spec,
            batch_size=3,
            seed=0,
            epoch=tf.Variable(0, dtype=tf.int64),
            shuffle_buffer=3,
            augmentation=augmentation,
        )

    assert next(iter(batches("resized_crop_flip")))[0].shape == (3, 8, 8, 3)
    for augmentation in ("", "pad_crop_flip"):
        with pytest.raises(ValueError, match=f"augmentation={augmentation!r}"):
            batches(augmentation)


def test_unknown_augmentation(tiny_dataset):
    with pytest.raises(ValueError, match=r"'mixup'.*flip, pad_crop, .*, or one's own"):
        views(tiny_dataset, augmentation="mixup")
