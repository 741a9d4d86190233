"""Examples as they are, without a model that has learned to see them."""

import collections

import numpy as np
import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec

_SIDE = 16  # Pixels that an image is averaged to.
_WORDS = 2000  # The most frequent ones that are told apart.


def embed(examples: tf.data.Dataset, spec: DatasetSpec) -> np.ndarray:
    """The features of all examples side by side, float32 `[examples, dimensions]`.

    Numbers are standardized. Of images, averaged to at most 16 x 16 pixels, the mean
    image is taken. Texts and categories are bags of their words, of the 2,000 most
    frequent ones.

    Args:
      examples: single examples, dicts under the spec's keys.
      spec: names of the features.
    """
    columns: dict[str, list[np.ndarray]] = {name: [] for name in spec.features}
    for batch in examples.batch(256).as_numpy_iterator():
        for name, parts in columns.items():
            values = batch[name]
            parts.append(_pooled(values) if values.ndim == 4 else values)
    embedded = [_feature(np.concatenate(parts)) for parts in columns.values()]
    return np.concatenate(embedded, axis=1).astype(np.float32)


def _pooled(images: np.ndarray) -> np.ndarray:
    """Images `[batch, height, width, channels]` averaged to at most 16 x 16."""
    images = images.astype(np.float32)
    for axis in (1, 2):
        size = images.shape[axis]
        if size > _SIDE:
            starts = np.arange(_SIDE) * size // _SIDE
            widths = np.diff([*starts, size])
            shape = [1, 1, 1, 1]
            shape[axis] = _SIDE
            sums = np.add.reduceat(images, starts, axis=axis)
            images = sums / widths.reshape(shape)
    return images


def _feature(values: np.ndarray) -> np.ndarray:
    """One feature of all examples, `[examples, ...]`, as `[examples, dimensions]`."""
    flat = values.reshape(len(values), -1)
    if values.dtype.kind in "OSU":
        return _bag(flat)
    flat = flat.astype(np.float64)
    centred = flat - flat.mean(axis=0)
    if values.ndim == 4:
        # Pixels have one unit; at the border they hardly vary.
        return centred / 255
    sd = flat.std(axis=0)
    return centred / np.where(sd > 0, sd, 1)


def _bag(texts: np.ndarray) -> np.ndarray:
    """How often each frequent word stands in a row of texts."""
    rows = [b" ".join(_bytes(text) for text in row).split() for row in texts]
    counts = collections.Counter(word for row in rows for word in row)
    # Equally frequent words in the order of the alphabet.
    order = sorted(counts, key=lambda word: (-counts[word], word))[:_WORDS]
    place = {word: i for i, word in enumerate(order)}
    bag = np.zeros((len(rows), len(place)))
    for i, row in enumerate(rows):
        for word in row:
            if word in place:
                bag[i, place[word]] += 1
    return bag


def _bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text
