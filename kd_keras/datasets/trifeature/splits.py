"""Which images of Trifeature belong to which split."""

import collections

import numpy as np

from kd_keras.datasets.trifeature.options import CHANCE, COMBINATIONS, FEATURES, Options

_VALUES = 10


def split_images(options: Options) -> dict[str, np.ndarray]:
    """Lists the images of every split.

    Split by combination: the 1,000 combinations are cut into ten blocks that are
    Latin squares, so within a block the three features are pairwise independent and
    uniform: every pair of values occurs once. Whole blocks go to one split, so with
    fractions that are multiples of 0.1 all groups have the same base rates in every
    split; with other fractions only the blocks at the borders are cut, at random. The
    ten combinations whose features all match are in the first two blocks, which go to
    training, since a correlated training split needs them.

    Split by image: all versions of all combinations are shuffled and cut, as in the
    published study, whose 7,000 images are 3,430 and 3,570. The groups of a split then
    differ in their base rates by chance. A correlated training split has versions that
    no other split has.

    Args:
      options: the options; `options.seed` chooses the blocks.

    Returns:
      Split name -> int64 `[images, 4]`: shape, texture, color, version.

    Raises:
      ValueError: if a correlation asks for combinations that training lacks.
    """
    rng = np.random.default_rng(options.seed)
    validation, test = options.held_out()
    combinations = _combinations(rng)
    if options.split == "image":
        return _split_by_image(combinations, options, rng)
    if options.split == "combination":
        parts = np.split(
            combinations, [COMBINATIONS - validation - test, COMBINATIONS - test]
        )
        starts = [0, 0, 0]
        versions = [options.versions] * 3
    else:
        parts = [combinations] * 3
        # Training comes last: a correlated one may need more versions than there are.
        starts = [test + validation, test, 0]
        versions = [options.versions - validation - test, validation, test]
    images = {
        name: _with_versions(part, start, count)
        for name, part, start, count in zip(
            ("train", "validation", "test"), parts, starts, versions, strict=True
        )
    }
    if options.correlated:
        images["train"] = _correlated(
            images["train"], parts[0], options, rng, images["train"][:, -1].min()
        )
    return images


def _split_by_image(
    combinations: np.ndarray, options: Options, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    images = rng.permutation(_with_versions(combinations, 0, options.versions))
    validation, test = options.held_out()
    parts = np.split(images, [len(images) - validation - test, len(images) - test])
    splits = dict(zip(("train", "validation", "test"), parts, strict=True))
    if options.correlated:
        splits["train"] = _correlated(
            splits["train"], combinations, options, rng, options.versions
        )
    return splits


def _combinations(rng: np.random.Generator) -> np.ndarray:
    """All combinations `[1000, 3]`, block by block, in random order within each."""
    grid = np.indices([_VALUES] * len(FEATURES)).reshape(len(FEATURES), -1)
    place = rng.permutation(_VALUES)
    shape, texture, color = place[grid]
    # Each term is a bijection of the ten values modulo 10, hence the Latin squares.
    # It is 0 or 1 where all three are equal.
    square = (shape + texture - 2 * color + (color >= _VALUES // 2)) % _VALUES
    block = np.concatenate([[0, 1], 2 + rng.permutation(_VALUES - 2)])[square]
    return grid.T[np.lexsort([rng.random(COMBINATIONS), block])]


def _with_versions(combinations: np.ndarray, start: int, count: int) -> np.ndarray:
    numbers = np.tile(np.arange(start, start + count), len(combinations))
    return np.column_stack([np.repeat(combinations, count, axis=0), numbers])


def _correlated(
    uncorrelated: np.ndarray,
    combinations: np.ndarray,
    options: Options,
    rng: np.random.Generator,
    first_version: int,
) -> np.ndarray:
    """Draws as many training images of every label, with the correlations.

    For every image it is drawn which attributes match; among the combinations of
    `combinations` with that label and those matches all are equally likely. For a label
    that is not correlated itself, the matches of those that are count as its own.
    """
    label = FEATURES.index(options.label)
    correlated = options.correlated_values
    drawn = []
    for value in range(_VALUES):
        own = combinations[combinations[:, label] == value]
        wished, match = options.correlations, [value]
        if value not in correlated:
            wished, match = _left_over(wished, len(correlated)), correlated
        others = [FEATURES.index(attribute) for attribute in wished]
        probability = list(wished.values())
        matches = np.isin(own[:, others], match)
        number = np.count_nonzero(uncorrelated[:, label] == value)
        wanted = rng.random((number, len(others))) < probability
        for pattern in np.unique(wanted, axis=0):
            candidates = own[(matches == pattern).all(axis=1)]
            if not len(candidates):
                raise ValueError(
                    "The training split has too few combinations for these "
                    f"correlations with the label: {options.correlations}. "
                    "Lower `validation_fraction` and `test_fraction`, or use "
                    "split='version'."
                )
            count = np.count_nonzero((wanted == pattern).all(axis=1))
            drawn.append(candidates[rng.integers(len(candidates), size=count)])
    images = np.concatenate(drawn)
    return np.column_stack([images, first_version + np.array(_earlier_equals(images))])


def _left_over(correlations: dict[str, float], labels: int) -> dict[str, float]:
    """Attribute -> P(one of the matches of so many labels), for each other label."""
    return {
        attribute: labels * (1 - probability) / (_VALUES - 1)
        for attribute, probability in correlations.items()
        if probability != CHANCE
    }


def _earlier_equals(rows: np.ndarray) -> list[int]:
    """For every row, how many rows before it are equal to it."""
    seen: collections.Counter[tuple[int, ...]] = collections.Counter()
    earlier = []
    for row in map(tuple, rows.tolist()):
        earlier.append(seen[row])
        seen[row] += 1
    return earlier
