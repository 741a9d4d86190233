"""Trifeature's splits: counts, disjointness, balance, correlation."""

import re

import numpy as np
import pytest
import scipy.stats

from kd_keras.datasets.trifeature.options import FEATURES, Options
from kd_keras.datasets.trifeature.render import COLORS
from kd_keras.datasets.trifeature.shapes import SHAPES
from kd_keras.datasets.trifeature.splits import split_images


def rows(images):
    return set(map(tuple, images.tolist()))


def sizes(splits):
    return {split: len(images) for split, images in splits.items()}


def within_chance(successes, number, probability):
    low, high = scipy.stats.binom.interval(0.9999, number, probability)
    return low <= successes <= high


def test_split_by_combination_holds_combinations_out():
    splits = split_images(Options(versions=3))
    assert sizes(splits) == {"train": 2100, "validation": 300, "test": 600}
    combinations = {split: rows(images[:, :3]) for split, images in splits.items()}
    assert [len(c) for c in combinations.values()] == [700, 100, 200]
    assert len(set.union(*combinations.values())) == 1000
    assert all(set(images[:, 3]) == {0, 1, 2} for images in splits.values())


def test_the_original_sizes():
    options = Options(versions=10, validation_fraction=0.357, test_fraction=0.3)
    sizes_ = sizes(split_images(options))
    assert sizes_ == {"train": 3430, "validation": 3570, "test": 3000}


def test_the_full_set_has_a_hundred_versions():
    splits = split_images(Options(versions=100, split="version"))
    assert sizes(splits) == {"train": 70_000, "validation": 10_000, "test": 20_000}
    assert len(rows(np.concatenate(list(splits.values())))) == 100_000


def test_split_by_version_has_all_combinations_everywhere():
    splits = split_images(Options(versions=10, split="version"))
    versions = [set(images[:, 3]) for images in splits.values()]
    assert [len(v) for v in versions] == [7, 1, 2]
    assert set.union(*versions) == set(range(10))
    assert all(len(rows(images[:, :3])) == 1000 for images in splits.values())


PUBLISHED = {
    "split": "image",
    "versions": 7,
    "validation_fraction": 0.049,
    "test_fraction": 0.51,
}


def test_the_published_split_by_image():
    splits = split_images(Options(**PUBLISHED))
    assert sizes(splits) == {"train": 3087, "validation": 343, "test": 3570}
    every = rows(np.concatenate(list(splits.values())))
    assert every == {(*c, v) for c in np.ndindex(10, 10, 10) for v in range(7)}
    assert not rows(splits["train"][:, :3]).isdisjoint(rows(splits["test"][:, :3]))


def test_labels_of_a_split_by_image_differ_by_chance():
    """A DPD of the labels of about 3.4, where the Latin squares have 0."""
    gaps = []
    for seed in range(20):
        test = split_images(Options(**PUBLISHED, seed=seed))["test"]
        counts = np.zeros((10, 10))
        np.add.at(counts, (test[:, 0], test[:, 2]), 1)
        rates = counts / counts.sum(axis=0)
        gaps.append(np.ptp(rates, axis=1).mean())
    # The range of ten binomial rates: 3.08 sd, less what a fixed total takes: a draw
    # of 51 % without replacement has .49 of the variance.
    expected = 3.08 * np.sqrt(0.1 * 0.9 / 357 * 0.49)
    assert np.mean(gaps) == pytest.approx(expected, rel=0.05)


def test_a_correlated_split_by_image_shares_no_image():
    options = Options(**PUBLISHED, color_correlation=0.7)
    splits = split_images(options)
    held_out = rows(np.concatenate([splits["validation"], splits["test"]]))
    assert rows(splits["train"]).isdisjoint(held_out)
    assert len(rows(splits["train"])) == 3087
    matches = (splits["train"][:, 0] == splits["train"][:, 2]).sum()
    assert within_chance(matches, 3087, 0.7)
    matches = (splits["test"][:, 0] == splits["test"][:, 2]).sum()
    assert within_chance(matches, 3570, 0.1)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)], ids=str)
def test_every_pair_of_values_is_as_frequent_in_each_split(seed, pair):
    splits = split_images(Options(versions=1, seed=seed))
    for split, blocks in {"train": 7, "validation": 1, "test": 2}.items():
        counts = np.zeros((10, 10), int)
        np.add.at(counts, tuple(splits[split][:, pair].T), 1)
        assert (counts == blocks).all()


def test_the_seed_chooses_the_combinations():
    first, again, other = (
        split_images(Options(versions=1, seed=seed))["test"] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert rows(first) != rows(other)


@pytest.mark.parametrize("split", ["combination", "version"])
@pytest.mark.parametrize("label", FEATURES)
def test_correlation_of_both_attributes(label, split):
    texture, color = (name for name in FEATURES if name != label)
    probabilities = {texture: 0.9, color: 0.4}
    correlations = {f"{name}_correlation": p for name, p in probabilities.items()}
    options = Options(label=label, split=split, **correlations)
    splits = split_images(options)
    plain = split_images(Options(label=label, split=split))
    train = splits["train"]

    assert len(train) == 7000
    labels = train[:, FEATURES.index(label)]
    assert np.bincount(labels).tolist() == [700] * 10
    for name, probability in probabilities.items():
        matches = np.count_nonzero(train[:, FEATURES.index(name)] == labels)
        assert within_chance(matches, 7000, probability)
    assert len(rows(train)) == 7000
    for held_out in ("validation", "test"):
        np.testing.assert_array_equal(splits[held_out], plain[held_out])
        assert not rows(train) & rows(splits[held_out])
    if split == "combination":
        assert rows(train[:, :3]) <= rows(plain["train"][:, :3])


def test_one_correlated_attribute_leaves_the_other_at_chance():
    train = split_images(Options(texture_correlation=0.8))["train"]
    shape, texture, color = train[:, :3].T
    assert within_chance(np.count_nonzero(texture == shape), 7000, 0.8)
    assert within_chance(np.count_nonzero(color == shape), 7000, 0.1)
    other = texture[texture != shape]
    expected = np.full(10, len(other) / 10)
    assert scipy.stats.chisquare(np.bincount(other), expected).pvalue > 1e-4


def test_a_correlation_of_one_label_alone():
    """Nine in ten triangles are red, and hardly anything else is."""
    correlated = {"color_correlation": 0.9, "correlated_labels": ["triangle"]}
    splits = split_images(Options(versions=10, split="version", **correlated))
    shape, texture, color = splits["train"][:, :3].T
    assert np.bincount(shape).tolist() == [700] * 10
    red = color == COLORS.index("red")
    triangle = shape == SHAPES.index("triangle")
    assert within_chance(np.count_nonzero(red & triangle), 700, 0.9)
    # What is left of one, for each of nine.
    assert within_chance(np.count_nonzero(red & ~triangle), 6300, 0.1 / 9)
    # The other colors go with no other shape, nor does any texture.
    for one, other in ((shape, color), (shape, texture), (color, texture)):
        counts = np.zeros((10, 10))
        np.add.at(counts, (one[~red & ~triangle], other[~red & ~triangle]), 1)
        counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
        assert scipy.stats.chi2_contingency(counts).pvalue > 1e-4
    plain = split_images(Options(versions=10, split="version"))
    assert len(rows(splits["train"])) == 7000
    np.testing.assert_array_equal(splits["test"], plain["test"])


@pytest.mark.parametrize("seed", range(5))
def test_one_correlated_label_needs_few_combinations(seed):
    fractions = {"validation_fraction": 0.3, "test_fraction": 0.5, "seed": seed}
    correlated = {"color_correlation": 0.9, "correlated_labels": SHAPES[:1]}
    shape, _, color = split_images(Options(**fractions, **correlated))["train"][:, :3].T
    assert within_chance(np.count_nonzero(color[shape == 0] == 0), 200, 0.9)
    assert within_chance(np.count_nonzero(color[shape != 0] == 0), 1800, 0.1 / 9)


@pytest.mark.parametrize("correlated", [(), SHAPES, [*reversed(SHAPES), SHAPES[0]]])
def test_no_correlated_label_is_all_of_them(correlated):
    options = {"color_correlation": 0.9, "correlated_labels": correlated}
    found = split_images(Options(**options))["train"]
    every = split_images(Options(color_correlation=0.9))["train"]
    np.testing.assert_array_equal(found, every)


def test_full_correlation_leaves_one_combination_per_label():
    options = Options(texture_correlation=1.0, color_correlation=1.0)
    train = split_images(options)["train"]
    assert rows(train[:, :3]) == {(value,) * 3 for value in range(10)}


def test_correlated_sampling_is_deterministic():
    options = Options(texture_correlation=0.5)
    first, again = (split_images(options)["train"] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_validation_split_is_uncorrelated():
    validation = split_images(Options(versions=1))["validation"]
    shape, texture, color = validation[:, :3].T
    assert np.count_nonzero(shape == texture) == 10
    assert np.count_nonzero(shape == color) == 10


def test_too_few_combinations_for_a_correlation():
    options = Options(
        validation_fraction=0.5,
        test_fraction=0.495,
        texture_correlation=1.0,
        color_correlation=1.0,
    )
    with pytest.raises(ValueError, match=re.escape("use split='version'")):
        split_images(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "size"}, "`label` .* one of .*'color'.* Received: label='size'"),
        ({"split": "random"}, "`split` .* 'version'.* Received: split='random'"),
        ({"image_size": 7}, "`image_size` .* from 8 on. Received: image_size=7"),
        ({"image_size": 32.0}, "`image_size` .* whole number"),
        ({"versions": 0}, "`versions` .* from 1 on. Received: versions=0"),
        ({"seed": -1}, "`seed` .* from 0 on. Received: seed=-1"),
        ({"texture_scale": 0}, "`texture_scale` .* from 1 to 224"),
        ({"shape_size": 157}, "`shape_size` .* from 8 to 156"),
        ({"test_fraction": 1.5}, r"`test_fraction` .* \[0, 1\]. Received: .*=1.5"),
        ({"test_fraction": "0.2"}, r"`test_fraction` .* number"),
        ({"test_fraction": 0.9}, "each split one of 1000 combinations.* test_fr.*=0.9"),
        ({"split": "version", "versions": 3}, "each split one of 3 versions"),
        ({"color_correlation": -0.1}, r"`color_correlation` .* \[0, 1\]"),
        ({"shape_correlation": 0.9}, "`shape_correlation` .* 0.1 .* label's own"),
        ({"correlated_labels": ("red",)}, r"`correlated_labels` .*\('triangle', .*red"),
        ({"correlated_labels": "tee"}, "`correlated_labels` .* a sequence .*'tee'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_option(options, message):
    with pytest.raises(ValueError, match=message):
        Options(**options)


def test_name_tells_all_options_apart():
    names = [
        Options(**options).name
        for options in (
            {},
            {"image_size": 32},
            {"versions": 11},
            {"seed": 1},
            {"split": "version"},
            {"validation_fraction": 0.2},
            {"test_fraction": 0.1},
            {"texture_scale": 35},
            {"shape_size": 156},
            {"texture_correlation": 0.5},
            {"color_correlation": 0.5},
            {"color_correlation": 0.5, "correlated_labels": ("tee",)},
            {"label": "texture", "color_correlation": 0.5},
            {"label": "color", "texture_correlation": 0.5},
        )
    ]
    assert len(set(names)) == len(names)
    assert Options(label="color").name == Options().name
