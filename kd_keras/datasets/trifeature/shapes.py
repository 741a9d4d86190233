"""The ten shapes of Trifeature as anti-aliased templates."""

import functools

import numpy as np

Polygon = tuple[tuple[float, float], ...]

_THIRD = 1 / 3
# Slope of the sides that lean inwards in the pentagon and the trapezoid.
_LEAN = 1 / 3.1


def _square(left: float, top: float, side: float) -> Polygon:
    right, bottom = left + side, top + side
    return ((left, top), (right, top), (right, bottom), (left, bottom))


# Corners (x, y) in the unit square, x to the right and y down. The rhombus is the
# data set's own: it leans, and its sides are not equal.
_POLYGONS: dict[str, tuple[Polygon, ...]] = {
    "triangle": (((0.5, 0), (1, 1), (0, 1)),),
    "square": (_square(0, 0, 1),),
    "plus": (
        (
            (_THIRD, 0),
            (2 * _THIRD, 0),
            (2 * _THIRD, _THIRD),
            (1, _THIRD),
            (1, 2 * _THIRD),
            (2 * _THIRD, 2 * _THIRD),
            (2 * _THIRD, 1),
            (_THIRD, 1),
            (_THIRD, 2 * _THIRD),
            (0, 2 * _THIRD),
            (0, _THIRD),
            (_THIRD, _THIRD),
        ),
    ),
    "tee": (
        (
            (0, 0),
            (1, 0),
            (1, _THIRD),
            (2 * _THIRD, _THIRD),
            (2 * _THIRD, 1),
            (_THIRD, 1),
            (_THIRD, _THIRD),
            (0, _THIRD),
        ),
    ),
    "rhombus": (((0.5, 0), (1, 0), (0.5, 1), (0, 1)),),
    "pentagon": (
        ((0.5, 0), (1, 0.4), (1 - 0.6 * _LEAN, 1), (0.6 * _LEAN, 1), (0, 0.4)),
    ),
    "star": (
        (
            (0.5, 0),
            (0.6, 0.4),
            (1, 0.4),
            (0.67, 0.54),
            (0.86, 1),
            (0.5, 0.66),
            (0.14, 1),
            (0.33, 0.54),
            (0, 0.4),
            (0.4, 0.4),
        ),
    ),
    "fivesquare": (
        _square(0, 0, _THIRD),
        _square(2 * _THIRD, 0, _THIRD),
        _square(_THIRD, _THIRD, _THIRD),
        _square(0, 2 * _THIRD, _THIRD),
        _square(2 * _THIRD, 2 * _THIRD, _THIRD),
    ),
    "trapezoid": (((0, 0), (1, 0), (1 - _LEAN, 1), (_LEAN, 1)),),
}

SHAPES = (
    "triangle",
    "square",
    "plus",
    "circle",
    "tee",
    "rhombus",
    "pentagon",
    "star",
    "fivesquare",
    "trapezoid",
)

_SAMPLES = 4  # per pixel and axis


@functools.cache
def template(shape: str, size: int) -> np.ndarray:
    """The share of every pixel that the upright shape covers.

    Args:
      shape: one of `SHAPES`.
      size: side of the square that the shape fills, in pixels.

    Returns:
      float32 `[size, size]` in [0, 1].
    """
    centers = (np.arange(size * _SAMPLES) + 0.5) / (size * _SAMPLES)
    inside = _inside(shape, centers[np.newaxis, :], centers[:, np.newaxis])
    blocks = inside.reshape(size, _SAMPLES, size, _SAMPLES)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def _inside(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if shape == "circle":
        return np.hypot(x - 0.5, y - 0.5) < 0.5
    inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
    for polygon in _POLYGONS[shape]:
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            if y0 != y1:
                # Even-odd rule: count the edges to the right of the point.
                crosses = (y < y0) != (y < y1)
                inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
