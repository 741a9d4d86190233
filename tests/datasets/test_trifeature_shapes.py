"""Trifeature's shapes against areas and widths worked out from their corners."""

import math

import numpy as np
import pytest
import scipy.ndimage

from kd_keras.datasets.trifeature.shapes import SHAPES, template

# Shares of the unit square. The star by the shoelace formula, one half from the
# middle: (0 - 0.16 + 0.202 - 0.0244 + 0.2376) / 2 = 0.1276.
AREAS = {
    "triangle": 1 / 2,
    "square": 1,
    "plus": 1 / 3 + 1 / 3 - 1 / 9,
    "circle": math.pi / 4,
    "tee": 1 / 3 + 1 / 3 - 1 / 9,
    "rhombus": 1 / 2,
    "pentagon": 0.4 / 2 + 0.6 * (1 - 0.6 / 3.1),
    "star": 2 * 0.1276,
    "fivesquare": 5 / 9,
    "trapezoid": 1 - 1 / 3.1,
}

# (shape, height from the top, covered width there).
WIDTHS = [
    ("triangle", 0.25, 0.25),
    ("triangle", 0.75, 0.75),
    ("square", 0.1, 1),
    ("plus", 0.1, 1 / 3),
    ("plus", 0.5, 1),
    ("plus", 0.9, 1 / 3),
    ("circle", 0.1, 0.6),  # 2 sqrt(0.5^2 - 0.4^2)
    ("circle", 0.5, 1),
    ("tee", 0.1, 1),
    ("tee", 0.9, 1 / 3),
    ("rhombus", 0.1, 0.5),
    ("rhombus", 0.9, 0.5),
    ("pentagon", 0.2, 0.5),
    ("pentagon", 0.7, 1 - 2 * 0.3 / 3.1),
    ("star", 0.2, 0.1),
    ("star", 0.45, 1 - 2 * 0.33 * 0.05 / 0.14),  # the lower edge of the arms
    ("star", 0.9, 2 * 0.0646),  # two legs, each from x = 0.1813 to 0.2459
    ("fivesquare", 0.1, 2 / 3),
    ("fivesquare", 0.5, 1 / 3),
    ("trapezoid", 0.5, 1 - 1 / 3.1),
]


def test_the_ten_shapes_are_those_of_the_data_set():
    assert tuple(AREAS) == SHAPES


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [128, 200])
def test_area(shape, size):
    assert template(shape, size).mean() == pytest.approx(AREAS[shape], abs=0.003)


@pytest.mark.parametrize(
    ("shape", "height", "width"), WIDTHS, ids=[f"{w[0]}-{w[1]}" for w in WIDTHS]
)
def test_width(shape, height, width):
    row = template(shape, 200)[int(200 * height)]
    assert row.mean() == pytest.approx(width, abs=0.015)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s != "rhombus"])
def test_mirror_symmetry(shape):
    upright = template(shape, 128)
    np.testing.assert_array_equal(upright, upright[:, ::-1])


def test_rhombus_is_symmetric_about_its_center_only():
    upright = template("rhombus", 128)
    np.testing.assert_allclose(upright, upright[::-1, ::-1], atol=0.26)
    assert np.abs(upright - upright[:, ::-1]).mean() > 0.3


def test_square_has_its_four_corners():
    assert template("square", 128)[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [1] * 4


def test_fivesquare_has_five_equal_parts():
    parts, number = scipy.ndimage.label(template("fivesquare", 126) == 1)
    assert number == 5
    assert np.bincount(parts.ravel())[1:].tolist() == [42 * 42] * 5


@pytest.mark.parametrize(
    ("shape", "tips"),
    [("star", 5), ("plus", 4), ("circle", 0)],
)
def test_parts_outside_a_circle(shape, tips):
    # The inner corners of the star are within 0.22 of its middle, those of the plus
    # within sqrt(2) / 6; the ends of both reach further than 0.4.
    y, x = (np.indices((200, 200)) + 0.5) / 200 - 0.5
    outside = (template(shape, 200) > 0.5) & (np.hypot(x, y) > 0.3)
    expected = tips or 1  # of the circle a ring is left
    assert scipy.ndimage.label(outside, np.ones((3, 3)))[1] == expected
