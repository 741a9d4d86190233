"""Trifeature's images: geometry, colors, background, reproducibility."""

import hashlib
import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from test_trifeature_shapes import AREAS
from test_trifeature_textures import SHARES

from configs import demo
from kd_keras.datasets.trifeature.render import (
    COLORS,
    MAX_SHAPE_SIZE,
    generator,
    mask,
    render,
)
from kd_keras.datasets.trifeature.shapes import SHAPES
from kd_keras.datasets.trifeature.textures import TEXTURES

# 255 times the values of the data set, halves rounded up: 0.3 -> 76.5 -> 77.
BYTES = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "pink": (255, 102, 255),
    "cyan": (0, 255, 255),
    "purple": (77, 0, 128),
    "ocean": (26, 102, 128),
    "orange": (255, 153, 0),
    "white": (255, 255, 255),
}
GREY = (128, 128, 128)  # 0.5 -> 127.5 -> 128
DEMO = {
    name: demo.get_config().dataset[name]
    for name in ("image_size", "texture_scale", "shape_size")
}


def draw_mask(shape, texture, color="red", version=0, **options):
    rng = generator(0, shape, texture, color, version)
    options = {"image_size": 224, "texture_scale": 10, "shape_size": 128} | options
    return mask(shape, texture, rng, **options)


@pytest.mark.parametrize("color", COLORS)
def test_colors_and_background_are_exact(color):
    image = render("pentagon", "dots", color, 3)
    covered = draw_mask("pentagon", "dots", color, 3)
    assert image.shape == (224, 224, 3)
    assert image.dtype == np.uint8
    assert np.unique(image[covered == 1], axis=0).tolist() == [list(BYTES[color])]
    assert np.unique(image[covered == 0], axis=0).tolist() == [list(GREY)]


def test_edges_are_blended():
    image = render("circle", "solid", "red", 0, image_size=32)
    covered = draw_mask("circle", "solid", image_size=32)
    edge = (covered > 0) & (covered < 1)
    expected = covered[edge] * 255 + (1 - covered[edge]) * 128
    assert edge.any()
    assert np.abs(image[edge][:, 0] - expected).max() <= 0.51


@pytest.mark.parametrize("image_size", [224, 32, 50])
@pytest.mark.parametrize("shape", SHAPES)
def test_shape_is_whole_at_any_angle_and_place(shape, image_size):
    for version in range(10):
        covered = draw_mask(shape, "solid", version=version, image_size=image_size)
        area = covered.mean() * 224**2 / 128**2
        assert area == pytest.approx(AREAS[shape], abs=0.006)


@pytest.mark.parametrize("shape_size", [MAX_SHAPE_SIZE, 64])
def test_shape_size_scales_the_area(shape_size):
    covered = draw_mask("square", "solid", shape_size=shape_size)
    assert covered.sum() == pytest.approx(shape_size**2, rel=0.005)


@pytest.mark.parametrize("options", [{}, DEMO], ids=["224 px", "the demo"])
@pytest.mark.parametrize("texture", TEXTURES)
def test_texture_covers_its_share_of_the_shape(texture, options):
    size = options.get("shape_size", 128)
    shares = [
        draw_mask("square", texture, version=version, **options).mean()
        * 224**2
        / size**2
        for version in range(20)
    ]
    assert np.mean(shares) == pytest.approx(SHARES[texture], abs=0.03)


def test_small_image_is_the_average_of_the_large_one():
    for texture in TEXTURES:
        large = draw_mask("star", texture, texture_scale=35)
        small = draw_mask("star", texture, texture_scale=35, image_size=32)
        blocks = large.reshape(32, 7, 32, 7).mean(axis=(1, 3))
        np.testing.assert_allclose(small, blocks, atol=1e-6)


def test_angles_and_places_fill_their_range():
    squares = [draw_mask("square", "solid", version=v) > 0.5 for v in range(200)]
    middles = np.array([np.argwhere(square).mean(axis=0) for square in squares])
    # The upright square's middle is in [64, 160], the most tilted one's in [92, 132].
    assert middles.min() > 63
    assert middles.max() < 161
    assert (np.ptp(middles, axis=0) > 60).all()
    widths = [np.ptp(np.argwhere(square)[:, 0]) + 1 for square in squares]
    assert min(widths) <= 131  # about one degree
    assert max(widths) >= 178  # 128 sqrt(2) = 181 at 45 degrees


def test_combinations_are_distinct_in_one_and_the_same_scene():
    seen = {
        mask(shape, texture, np.random.default_rng(5), **DEMO).tobytes()
        for shape, texture in itertools.product(SHAPES, TEXTURES)
    }
    assert len(seen) == 100


def test_all_images_are_distinct():
    combinations = itertools.product(SHAPES, TEXTURES, COLORS)
    assert len({render(*c, 0, **DEMO).tobytes() for c in combinations}) == 1000


@pytest.mark.parametrize(("version", "seed"), [(1, 0), (0, 1)], ids=["version", "seed"])
def test_version_and_seed_change_the_image(version, seed):
    image = render("tee", "rain", "white", 0, seed=0)
    assert (image != render("tee", "rain", "white", version, seed=seed)).any()


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def test_same_bytes_in_another_process_and_order():
    arguments = [
        (shape, texture, color, version)
        for shape, texture, color in zip(SHAPES, TEXTURES, COLORS, strict=True)
        for version in (0, 7)
    ]
    script = (
        "import hashlib, json, sys\n"
        "from kd_keras.datasets.trifeature.render import render\n"
        "images = [render(*a, **json.loads(sys.argv[2])) "
        "for a in json.loads(sys.argv[1])]\n"
        "print(json.dumps([hashlib.sha256(i.tobytes()).hexdigest() for i in images]))"
    )
    command = [sys.executable, "-c", script, json.dumps(arguments[::-1])]
    there = subprocess.run(
        [*command, json.dumps(DEMO)], capture_output=True, text=True, check=True
    )
    here = [digest(render(*argument, **DEMO)) for argument in arguments]
    assert json.loads(there.stdout.splitlines()[-1])[::-1] == here
