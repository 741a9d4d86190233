"""CIFAR-10S and CIFAR-100-LT, through the files of the stock TFDS builders."""

import numpy as np
import official
import pytest
import tensorflow as tf

from kd_keras import datasets
from kd_keras.datasets import cifar_skewed
from kd_keras.datasets.cifar_skewed import COLOR, GRAY, long_tail


def is_gray(image):
    return (image == image[..., :1]).all()


@pytest.fixture(scope="module")
def skewed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cifar10")
    official.write_prepared(directory, "cifar10", "3.0.2", {"train": 300, "test": 20})
    return directory


def load(directory, **options):
    dataset = datasets.load("cifar10s", data_dir=str(directory), **options)
    return dataset.spec, {
        split: list(examples.as_numpy_iterator())
        for split, examples in dataset.splits.items()
    }


def test_the_color_goes_with_the_class_in_training_alone(skewed):
    spec, splits = load(skewed)
    assert spec.groups == {"color": ("color", "gray")}
    assert {s: len(e) for s, e in splits.items()} == {
        "train": 270,
        "validation": 60,
        "test": 40,
    }
    usual = 0
    for example in splits["train"]:
        assert is_gray(example["image"]) == (example["color"] == GRAY)
        usual += example["color"] == (COLOR if example["label"] < 5 else GRAY)
    # 95 % of 270 are 256.5, with a standard deviation of 3.6.
    assert 243 <= usual <= 269
    for split in ("validation", "test"):
        twins = {}
        for example in splits[split]:
            assert is_gray(example["image"]) == (example["color"] == GRAY)
            name, _, color = example["id"].decode().rpartition("_")
            assert color == spec.groups["color"][example["color"]]
            twins.setdefault(name, []).append(example["label"])
        assert all(len(labels) == 2 for labels in twins.values())
        assert all(len(set(labels)) == 1 for labels in twins.values())


def test_the_draw_is_of_the_seed_and_the_skew(skewed):
    def colors(**options):
        train = load(skewed, **options)[1]["train"]
        return np.array([e["color"] for e in train]), np.array(
            [e["label"] for e in train]
        )

    one, labels = colors(skew=0.5)
    assert 0.35 < one.mean() < 0.65
    np.testing.assert_array_equal(colors(skew=0.5)[0], one)
    assert (colors(skew=0.5, seed=1)[0] != one).any()
    np.testing.assert_array_equal(colors(skew=1.0)[0], labels >= 5)


def test_half_of_all_training_images_are_gray_of_many_ids():
    ids = tf.constant([f"train_{i:05d}" for i in range(50_000)])
    drawn = cifar_skewed._uniform(ids, 0).numpy()
    assert drawn.min() >= 0
    assert drawn.max() < 1
    # Three standard deviations.
    assert (drawn < 0.95).mean() == pytest.approx(0.95, abs=0.003)
    assert drawn.mean() == pytest.approx(0.5, abs=0.004)


def test_real_cifar10s():
    dataset = datasets.load("cifar10s", data_dir=str(official.shared("tfds")))
    sizes = {split: int(d.cardinality()) for split, d in dataset.splits.items()}
    assert sizes == {"train": 9000, "validation": 2000, "test": 20000}
    plain = datasets.load("cifar10", data_dir=str(official.shared("tfds")))
    both = zip(
        dataset.splits["train"].take(40).as_numpy_iterator(),
        plain.splits["train"].take(40).as_numpy_iterator(),
        strict=True,
    )
    for found, original in both:
        assert (found["id"], found["label"]) == (original["id"], original["label"])
        image = original["image"].astype(float)
        if found["color"] == GRAY:
            image = (image @ [0.2989, 0.587, 0.114])[..., None]
        assert np.abs(found["image"] - image).max() <= 1


@pytest.mark.parametrize(
    ("classes", "each", "total", "last"),
    # The sizes that are published: Cui et al. 2019 and Cao et al. 2019.
    [(100, 500, 10_847, 5), (10, 5000, 12_406, 50)],
)
def test_long_tails_have_the_published_sizes(classes, each, total, last):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), each))
    kept = long_tail(labels, classes, 100)
    sizes = np.bincount(labels[kept], minlength=classes)
    assert (sizes[0], sizes[-1], sizes.sum()) == (each, last, total)
    assert (np.diff(sizes) <= 0).all()
    # The first ones of each class.
    assert (
        np.flatnonzero(kept & (labels == 3))[-1]
        < np.flatnonzero(~kept & (labels == 3))[0]
    )


def test_real_cifar100lt():
    dataset = datasets.load(
        "cifar100lt", data_dir=str(official.shared("tfds")), imbalance=20.0
    )
    sizes = {split: int(d.cardinality()) for split, d in dataset.splits.items()}
    # 90 of the subset's images a class: the floors of 90 / 20^(c / 99) add up to this.
    expected = sum(int(90 / 20 ** (c / 99)) for c in range(100))
    assert dataset.spec.num_classes == 100
    assert (sizes["validation"], sizes["test"]) == (1000, 10000)
    # Some classes have a few less than the mean.
    assert expected - 60 <= sizes["train"] <= expected


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cifar10s", {"skew": 1.5}, "`skew` must be a number in"),
        ("cifar10s", {"seed": -1}, "`seed` must be a whole number"),
        ("cifar100lt", {"imbalance": 0.5}, "`imbalance` must be a number from 1 on"),
    ],
)
def test_options_that_are_not_allowed(name, options, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(name, **options)


def test_a_class_of_which_nothing_would_be_left():
    with pytest.raises(ValueError, match=r"nothing of the last class.*at most that"):
        long_tail(np.arange(10).repeat(5), 10, 6)
