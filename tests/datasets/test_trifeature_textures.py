"""Trifeature's textures against their periods, stroke widths and shares."""

import math

import numpy as np
import pytest

from kd_keras.datasets.trifeature.textures import TEXTURE_FUNCTIONS, TEXTURES

# Share of the plane that is covered; a cell is 10 x 10.
SHARES = {
    "solid": 1,
    "stripes": 3 / 10,
    "grid": 1 - (7 / 10) ** 2,
    # Three families of lines, 2 of 10 each, at irrational ratios: independent.
    "hexgrid": 1 - (8 / 10) ** 3,
    "dots": math.pi * 4**2 / 100,
    "noise": 1 / 2,
    "triangles": 8 * 8 / 2 / 100,
    "zigzags": 1 / 2,
    # Covered unless no drop starts here or in the six cells above.
    "rain": 1 - 0.95**7,
    "pluses": (3 * 10 + 3 * 7 - 3 * 3) / 100,
}
PERIODS = {  # (x, y)
    "stripes": (1, 10),
    "grid": (10, 10),
    "dots": (10, 10),
    "triangles": (10, 10),
    "zigzags": (10, 20),
    "pluses": (10, 20),
}


def plane(step=0.25, side=400):
    ends = np.arange(-side / 2, side / 2, step) + step / 2
    return np.meshgrid(ends, ends)


def draw(texture, x, y, seed=0):
    return TEXTURE_FUNCTIONS[texture](x, y, np.random.default_rng(seed))


def test_the_ten_textures_are_those_of_the_data_set():
    assert tuple(SHARES) == TEXTURES


@pytest.mark.parametrize("texture", TEXTURES)
def test_share(texture):
    # A step that meets the edges of the cells at all distances.
    share = draw(texture, *plane(step=0.37)).mean()
    assert share == pytest.approx(SHARES[texture], abs=0.01)


@pytest.mark.parametrize("texture", PERIODS)
def test_period(texture):
    x, y = plane(side=60)
    period_x, period_y = PERIODS[texture]
    here = draw(texture, x, y)
    np.testing.assert_array_equal(here, draw(texture, x + period_x, y))
    np.testing.assert_array_equal(here, draw(texture, x, y + period_y))
    assert (here != draw(texture, x, y + period_y / 2)).mean() > 0.1


def test_stripes_are_three_wide():
    y = np.arange(10)[:, np.newaxis] + 0.5
    expected = [True] * 3 + [False] * 7
    assert draw("stripes", np.zeros_like(y), y).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("y", "falling", "rising"),
    [(5, 1.340, 8.660), (7, 7.876, 2.124)],  # -+ sqrt(3) y modulo 10
)
def test_hexgrid_has_lines_at_sixty_degrees(y, falling, rising):
    # Between the horizontal lines, which cover y in [0, 2).
    x = np.arange(0, 10, 0.01)
    covered = ((x - falling) % 10 < 2) | ((x - rising) % 10 < 2)
    assert (draw("hexgrid", x, np.full_like(x, y)) == covered).mean() > 0.995


@pytest.mark.parametrize("row", [0, 1], ids=["even row", "odd row"])
def test_pluses_alternate(row):
    x = np.arange(10) + 0.5
    middle = draw("pluses", x, np.full_like(x, 10 * row + 5))
    edge = draw("pluses", x, np.full_like(x, 10 * row + 0.5))
    # The horizontal stroke is 7 wide, the vertical one 3, around 5 or around 0.
    horizontal = np.abs(x - 5) < 3.5 if row == 0 else np.abs(x - 5) > 1.5
    vertical = np.abs(x - 5) < 1.5 if row == 0 else np.abs(x - 5) > 3.5
    np.testing.assert_array_equal(middle, horizontal)
    np.testing.assert_array_equal(edge, vertical)


def test_zigzags_lean_half_a_period():
    x = np.arange(0, 10, 0.5) + 0.25

    def start(y):
        band = draw("zigzags", x, np.full_like(x, y))
        return x[band & ~np.roll(band, 1)].item()

    assert [start(y) for y in (0, 5, 10, 15, 20)] == [5.25, 2.75, 0.25, 2.75, 5.25]


def test_noise_is_constant_on_unit_cells():
    x, y = plane(step=0.25, side=40)
    cells = draw("noise", x, y).reshape(40, 4, 40, 4)
    assert (cells.all(axis=(1, 3)) == cells.any(axis=(1, 3))).all()


def test_rain_drops_are_seven_high_or_overlap():
    x, y = plane(step=1, side=200)
    rain = draw("rain", x, y).astype(int)
    starts = np.diff(rain, axis=0) == 1
    ends = np.diff(rain, axis=0) == -1
    runs = []
    for start, end in zip(starts.T, ends.T, strict=True):
        begin, stop = np.flatnonzero(start), np.flatnonzero(end)
        stop = stop[stop > begin[0]]
        runs += list(stop - begin[: len(stop)])
    assert min(runs) == 7


@pytest.mark.parametrize("texture", ["noise", "rain"])
def test_random_textures_follow_the_generator(texture):
    x, y = plane(step=1, side=50)
    np.testing.assert_array_equal(draw(texture, x, y, 1), draw(texture, x, y, 1))
    assert (draw(texture, x, y, 1) != draw(texture, x, y, 2)).any()
