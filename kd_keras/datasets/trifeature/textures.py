"""The ten textures of Trifeature as functions of the plane."""

from collections.abc import Callable

import numpy as np

PERIOD = 10
_LINE = 3
_THIN_LINE = 2
_DOT_RADIUS = 4
_RAIN_HEIGHT = 7
_RAIN_PROBABILITY = 0.05
_PLUS_HALF_WIDTH = 1.5

Texture = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def _cell(x: np.ndarray, period: int = PERIOD) -> np.ndarray:
    """The position inside the period, in [0, period); quicker than np.mod."""
    return x - period * np.floor(x / period)


def _solid(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.ones(x.shape, bool)


def _stripes(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _cell(y) < _LINE


def _grid(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (_cell(x) < _LINE) | (_cell(y) < _LINE)


def _hexgrid(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    slanted = np.sqrt(3, dtype=x.dtype) * y
    return (
        (_cell(y) < _THIN_LINE)
        | (_cell(x + slanted) < _THIN_LINE)
        | (_cell(x - slanted) < _THIN_LINE)
    )


def _dots(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    dx, dy = _cell(x) - PERIOD / 2, _cell(y) - PERIOD / 2
    return dx * dx + dy * dy < _DOT_RADIUS**2


def _noise(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _random_cells(x, y, lambda side: rng.random((side, side)) < 0.5)


def _triangles(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Base and height of 8 units, the base on the lower edge of the cell.
    return np.abs(_cell(x) - PERIOD / 2) < _cell(y) / 2 - 1


def _zigzags(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # A band half a period wide that moves by half a period to the right over one
    # period of y, and back over the next.
    shift = np.abs(_cell(y, 2 * PERIOD) - PERIOD) / 2
    return _cell(x - shift) < PERIOD / 2


def _rain(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    def drops(side: int) -> np.ndarray:
        starts = rng.random((side + _RAIN_HEIGHT - 1, side)) < _RAIN_PROBABILITY
        windows = np.lib.stride_tricks.sliding_window_view(starts, _RAIN_HEIGHT, axis=0)
        return windows.any(axis=-1)

    return _random_cells(x, y, drops)


def _pluses(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # As high as the cell; to the sides a gap as wide as the stroke parts neighbours.
    row = np.floor(y / PERIOD)
    dx = np.abs(_cell(x + row * (PERIOD / 2)) - PERIOD / 2)
    dy = np.abs(_cell(y) - PERIOD / 2)
    upright = dx < _PLUS_HALF_WIDTH
    return upright | ((dy < _PLUS_HALF_WIDTH) & (dx < PERIOD / 2 - _PLUS_HALF_WIDTH))


def _random_cells(
    x: np.ndarray, y: np.ndarray, draw: Callable[[int], np.ndarray]
) -> np.ndarray:
    """Looks up (x, y) in a square of random unit cells around the origin."""
    reach = int(np.ceil(max(np.abs(x).max(), np.abs(y).max())))
    cells = draw(2 * reach + 1)
    column = np.floor(x).astype(np.intp) + reach
    row = np.floor(y).astype(np.intp) + reach
    return cells[row, column]


# Each takes x and y, float arrays `[height, width]` in tenths of the period, and the
# generator of the random textures; it returns where the texture is, bool, same shape.
TEXTURE_FUNCTIONS: dict[str, Texture] = {
    "solid": _solid,
    "stripes": _stripes,
    "grid": _grid,
    "hexgrid": _hexgrid,
    "dots": _dots,
    "noise": _noise,
    "triangles": _triangles,
    "zigzags": _zigzags,
    "rain": _rain,
    "pluses": _pluses,
}

TEXTURES = tuple(TEXTURE_FUNCTIONS)
