"""Trifeature images: a textured, coloured shape on grey, seeded one by one."""

import math

import numpy as np
import scipy.ndimage

from kd_keras.datasets.trifeature.shapes import SHAPES, template
from kd_keras.datasets.trifeature.textures import (
    PERIOD,
    TEXTURE_FUNCTIONS,
    TEXTURES,
)

# RGB in [0, 1].
COLOR_VALUES = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "yellow": (1.0, 1.0, 0.0),
    "pink": (1.0, 0.4, 1.0),
    "cyan": (0.0, 1.0, 1.0),
    "purple": (0.3, 0.0, 0.5),
    "ocean": (0.1, 0.4, 0.5),
    "orange": (1.0, 0.6, 0.0),
    "white": (1.0, 1.0, 1.0),
}
COLORS = tuple(COLOR_VALUES)

CANVAS = 224  # pixels; the unit of all lengths, whatever the size of the image
_MAX_ANGLE = 45  # degrees
_BACKGROUND = 0.5
# The rotated shape is drawn with a margin, since its edge is interpolated.
_MARGIN = 1
MAX_SHAPE_SIZE = math.floor((CANVAS - 2 * _MARGIN) / math.sqrt(2))


def render(
    shape: str,
    texture: str,
    color: str,
    version: int,
    *,
    seed: int = 0,
    image_size: int = CANVAS,
    texture_scale: int = PERIOD,
    shape_size: int = 128,
) -> np.ndarray:
    """Draws one image.

    The shape is rotated by a whole number of degrees in [-45, 45) and placed at
    random, fully inside. The texture is rotated and shifted on its own and masked by
    the shape. The pixel is mask * color + (1 - mask) * 0.5.

    The angles and places do not depend on `image_size` and `texture_scale`. An image
    below 224 pixels is drawn at the smallest multiple of its size from 224 on and
    averaged.

    Args:
      shape: one of `SHAPES`.
      texture: one of `TEXTURES`.
      color: one of `COLORS`.
      version: number of the image among those of its combination, from 0 on.
      seed: seed of the data set, from 0 on.
      image_size: side of the image in pixels.
      texture_scale: period of the texture in pixels of a 224-pixel image.
      shape_size: side of the upright shape's square in pixels of a 224-pixel image,
        at most `MAX_SHAPE_SIZE`.

    Returns:
      uint8 `[image_size, image_size, 3]`.

    Source: Hermann and Lampinen, "What shapes feature representations? Exploring
    datasets, architectures, and training", NeurIPS 2020.
    """
    coverage = mask(
        shape,
        texture,
        generator(seed, shape, texture, color, version),
        image_size=image_size,
        texture_scale=texture_scale,
        shape_size=shape_size,
    )
    # Blended in 8 bits, so that a full and an empty mask give the exact values.
    background = _to_bytes(_BACKGROUND)
    contrast = _to_bytes(COLOR_VALUES[color]) - background
    pixels = background + coverage[:, :, np.newaxis] * contrast
    return np.rint(pixels).astype(np.uint8)


def generator(
    seed: int, shape: str, texture: str, color: str, version: int
) -> np.random.Generator:
    """The random numbers of one image, independent of all other images."""
    combination = SHAPES.index(shape), TEXTURES.index(texture), COLORS.index(color)
    entropy = np.random.SeedSequence([seed, *combination, version])
    return np.random.Generator(np.random.PCG64(entropy))


def mask(
    shape: str,
    texture: str,
    rng: np.random.Generator,
    *,
    image_size: int,
    texture_scale: int,
    shape_size: int,
) -> np.ndarray:
    """The share of every pixel that the textured shape covers.

    Args:
      shape: one of `SHAPES`.
      texture: one of `TEXTURES`.
      rng: source of the angles, places and random textures.
      image_size: as in `render`.
      texture_scale: as in `render`.
      shape_size: as in `render`.

    Returns:
      float32 `[image_size, image_size]` in [0, 1].
    """
    oversampling = math.ceil(CANVAS / image_size)
    pixels = image_size * oversampling
    pixel = CANVAS / pixels

    angle = math.radians(rng.integers(-_MAX_ANGLE, _MAX_ANGLE))
    extent = shape_size * (math.cos(angle) + abs(math.sin(angle)))
    box = math.ceil(extent) + 2 * _MARGIN
    place = rng.integers(0, CANVAS - box, size=2, endpoint=True)
    first = np.floor(place / pixel).astype(int)
    last = np.minimum(np.ceil((place + box) / pixel).astype(int), pixels)
    rows, columns = (slice(*ends) for ends in zip(first, last, strict=True))

    canvas = np.zeros((pixels, pixels), np.float32)
    window = canvas[rows, columns]
    center = place + box / 2 - first * pixel
    _draw_shape(window, shape, shape_size, angle, center, pixel)
    y = (np.arange(rows.start, rows.stop) + 0.5) * pixel
    x = (np.arange(columns.start, columns.stop) + 0.5) * pixel
    window *= _textured(texture, x, y, texture_scale, rng)
    blocks = canvas.reshape(image_size, oversampling, image_size, oversampling)
    return blocks.mean(axis=(1, 3))


def _draw_shape(
    window: np.ndarray,
    shape: str,
    shape_size: int,
    angle: float,
    center: np.ndarray,
    pixel: float,
) -> None:
    """Draws the rotated shape into `window`.

    Args:
      window: float32 `[rows, columns]`, written to.
      shape: one of `SHAPES`.
      shape_size: side of the upright shape, in canvas pixels like all lengths.
      angle: in radians.
      center: row and column, from the window's corner.
      pixel: side of a pixel of the window.
    """
    upright = template(shape, round(shape_size / pixel))
    scale = len(upright) / shape_size
    rotation = scale * _rotation(angle)
    scipy.ndimage.affine_transform(
        upright,
        rotation * pixel,
        rotation @ (pixel / 2 - center) + len(upright) / 2 - 0.5,
        output_shape=window.shape,
        output=window,
        order=1,
        mode="grid-constant",
    )


def _textured(
    texture: str,
    x: np.ndarray,
    y: np.ndarray,
    texture_scale: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Where the texture is, bool `[len(y), len(x)]`, turned about the middle."""
    angle = math.radians(rng.integers(-_MAX_ANGLE, _MAX_ANGLE))
    offset = rng.integers(0, PERIOD, size=2)
    rotation = PERIOD / texture_scale * _rotation(angle)
    row = (y - CANVAS / 2)[:, np.newaxis].astype(np.float32)
    column = (x - CANVAS / 2)[np.newaxis, :].astype(np.float32)
    turned = [
        np.float32(by_row) * row + np.float32(by_column) * column + np.float32(shift)
        for (by_row, by_column), shift in zip(rotation, offset, strict=True)
    ]
    return TEXTURE_FUNCTIONS[texture](turned[1], turned[0], rng)


def _rotation(angle: float) -> np.ndarray:
    """Takes (row, column) of the image to those before a rotation by `angle`."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, sin], [-sin, cos]])


def _to_bytes(intensity: float | tuple[float, ...]) -> np.ndarray:
    """[0, 1] -> whole numbers in 0..255, halves rounded up, float32."""
    return np.floor(np.multiply(intensity, 255) + 0.5).astype(np.float32)
