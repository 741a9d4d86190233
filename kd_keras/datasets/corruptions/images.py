"""Eight corruptions of images (Hendrycks & Dietterich 2019), with their parameters.

The parameters are those that made the published files: of CIFAR-10-C for small images,
of ImageNet-C for others. They are noise levels, radii and rates of pixels, which mean
more in a small image.
"""

import functools
from collections.abc import Callable

import numpy as np
import scipy.ndimage
import scipy.signal
import scipy.special
import tensorflow as tf

# Images with no side above this are small.
SMALL = 64
# Corruption -> parameters of severities 1 to 5, of small images and of others.
PARAMETERS: dict[str, tuple[tuple, tuple]] = {
    # Standard deviation, where 1 is from black to white.
    "gaussian_noise": ((0.04, 0.06, 0.08, 0.09, 0.1), (0.08, 0.12, 0.18, 0.26, 0.38)),
    # Photons that a white pixel sends.
    "shot_noise": ((500, 250, 100, 75, 50), (60, 25, 12, 5, 3)),
    # Share of the values that become 0 or 255.
    "impulse_noise": ((0.01, 0.02, 0.03, 0.05, 0.07), (0.03, 0.06, 0.09, 0.17, 0.27)),
    # Radius of the disk, and standard deviation of what smooths it; in pixels.
    "defocus_blur": (
        ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
        ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    ),
    # What is added to the value of HSV, in [0, 1].
    "brightness": ((0.05, 0.1, 0.15, 0.2, 0.3), (0.1, 0.2, 0.3, 0.4, 0.5)),
    # What remains of the distance to the mean colour.
    "contrast": ((0.75, 0.5, 0.4, 0.3, 0.15), (0.4, 0.3, 0.2, 0.1, 0.05)),
    # What remains of a side's pixels.
    "pixelate": ((0.95, 0.9, 0.85, 0.75, 0.65), (0.6, 0.5, 0.4, 0.3, 0.25)),
    # JPEG's quality, in [1, 100].
    "jpeg_compression": ((80, 65, 58, 50, 40), (25, 18, 15, 10, 7)),
}


def corrupt(
    image: np.ndarray, name: str, severity: int, rng: np.random.Generator
) -> np.ndarray:
    """One image with a corruption, rounded down as in the published files.

    Args:
      image: uint8 `[height, width, 1 or 3]`.
      name: a key of `PARAMETERS`.
      severity: 1 to 5.
      rng: draws the noise.

    Returns:
      uint8 of the same shape.
    """
    small = max(image.shape[:2]) <= SMALL
    parameter = PARAMETERS[name][0 if small else 1][severity - 1]
    if name in _OF_BYTES:
        return _OF_BYTES[name](image, parameter)
    found = _OF_SHARES[name](image / 255.0, parameter, rng)
    # A whole number may have lost its last bit.
    return (np.clip(found, 0, 1) * 255 + 1e-6).astype(np.uint8)


def _gaussian_noise(x: np.ndarray, sd: float, rng: np.random.Generator) -> np.ndarray:
    return x + rng.normal(scale=sd, size=x.shape)


def _shot_noise(x: np.ndarray, photons: int, rng: np.random.Generator) -> np.ndarray:
    grey = np.rint(x * 255).astype(np.int64)
    table = _poisson(photons)
    # The inverse of the distribution, so that one draw does for every severity; each
    # grey value looks in its own row.
    found = np.searchsorted(table.ravel(), rng.random(x.shape) + 2 * grey)
    return (found - grey * table.shape[1]) / photons


@functools.cache
def _poisson(photons: int) -> np.ndarray:
    """P(at most so many photons), `[256, counts]`, plus twice the row's index."""
    # More than 2 * photons + 40 come from a white pixel in one of 1e23 draws, or fewer.
    counts, grey = np.arange(2 * photons + 41), np.arange(256)[:, None]
    return scipy.special.pdtr(counts, grey / 255 * photons) + 2 * grey


def _impulse_noise(x: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    hit, salt = rng.random(x.shape) < share, rng.random(x.shape) < 0.5
    return np.where(hit, salt, x)


def _defocus_blur(
    x: np.ndarray, disk: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    kernel = _disk(*disk)[:, :, None]
    half = len(kernel) // 2
    padded = np.pad(x, [(half, half), (half, half), (0, 0)], mode="reflect")
    return scipy.signal.fftconvolve(padded, kernel, mode="valid", axes=(0, 1))


def _disk(radius: float, smoothing: float) -> np.ndarray:
    """A disk whose edge is smoothed, `[side, side]`; its sum is about 1."""
    reach = 8 if radius <= 8 else int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (x**2 + y**2 <= radius**2).astype(np.float64)
    half = 1 if radius <= 8 else 2
    line = np.exp(-0.5 * (np.arange(-half, half + 1) / smoothing) ** 2)
    line /= line.sum()
    for axis in (0, 1):
        disk = scipy.ndimage.correlate1d(disk, line, axis, mode="mirror")
    # Before it was smoothed, it had the sum 1.
    return disk / (x**2 + y**2 <= radius**2).sum()


def _brightness(x: np.ndarray, more: float, rng: np.random.Generator) -> np.ndarray:
    # Hue and saturation stay, so the channels keep their proportions.
    value = x.max(axis=-1, keepdims=True)
    brighter = np.clip(value + more, 0, 1)
    return np.where(value > 0, x * brighter / np.where(value > 0, value, 1), brighter)


def _contrast(x: np.ndarray, rest: float, rng: np.random.Generator) -> np.ndarray:
    means = x.mean(axis=(0, 1), keepdims=True)
    return (x - means) * rest + means


def _pixelate(image: np.ndarray, rest: float) -> np.ndarray:
    found = image
    for axis in (1, 0):
        size = image.shape[axis]
        found = _box(found, int(size * rest), axis)
    for axis, size in enumerate(image.shape[:2]):
        few = found.shape[axis]
        nearest = ((np.arange(size) + 0.5) * few / size).astype(int)
        found = found.take(nearest, axis=axis)
    return found


def _box(image: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Fewer pixels, each the mean of those whose centres it covers."""
    scale = image.shape[axis] / size
    centres = (np.arange(size) + 0.5) * scale
    distance = (np.arange(image.shape[axis]) + 0.5 - centres[:, None]) / scale
    weights = ((distance > -0.5) & (distance <= 0.5)).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    means = np.moveaxis(np.tensordot(weights, image, (1, axis)), 0, axis)
    return np.floor(means + 0.5).astype(np.uint8)


def _jpeg_compression(image: np.ndarray, quality: int) -> np.ndarray:
    content = tf.io.encode_jpeg(image, quality=quality)
    return tf.io.decode_jpeg(content, dct_method="INTEGER_ACCURATE").numpy()


_OF_BYTES: dict[str, Callable[..., np.ndarray]] = {
    "pixelate": _pixelate,
    "jpeg_compression": _jpeg_compression,
}
# Of images whose values are in [0, 1].
_OF_SHARES: dict[str, Callable[..., np.ndarray]] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "defocus_blur": _defocus_blur,
    "brightness": _brightness,
    "contrast": _contrast,
}
