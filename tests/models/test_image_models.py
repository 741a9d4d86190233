"""Inputs, options and published accuracy of the image models."""

import pathlib

import keras
import numpy as np
import pytest

from kd_keras import models

DATA = pathlib.Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("lenet5", (48, 40, 1), {}),
        ("resnet20", (48, 41, 1), {}),
        ("resnet20", (48, 41, 4), {"shortcut": "B"}),
        ("resnet18", (70, 33, 3), {}),
        ("resnet18", (20, 31, 1), {"stem": "small"}),
        ("tinyvit_5m", (64, 50, 3), {}),
    ],
)
def test_any_size_and_class_count(name, shape, options):
    model = models.build(name, shape, 7, **options)
    logits = model(np.full((2, *shape), 200, np.uint8))
    assert logits.shape == (2, 7)
    assert logits.dtype == "float32"


def test_pixels_are_standardized_inside():
    model = models.build(
        "resnet20", (8, 8, 3), 2, mean=(0.5, 0.4, 0.2), std=(0.5, 1, 2)
    )
    standardized = keras.Model(model.input, model.layers[1].output)
    pixels = np.broadcast_to(np.float32([255, 0, 51]), (1, 8, 8, 3))
    # (1 - 0.5) / 0.5, (0 - 0.4) / 1, (0.2 - 0.2) / 2
    np.testing.assert_allclose(standardized(pixels)[0, 3, 3], [1, -0.4, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet21", {}, r"'resnet21'.*lenet5, llama, mlp, resnet110"),
        ("resnet20", {"depth": 21}, "Received: depth=21"),
        (
            "resnet20",
            {"dept": 14},
            r"'dept'\. Did you mean 'depth'.*takes depth",
        ),
        ("distilbert", {"stem": ""}, r"no option 'stem'\..*num_layers"),
        ("resnet20", {"shortcut": "C"}, "Received: shortcut='C'"),
        ("resnet18", {"depth": 19}, "18, 34 or 50. Received: depth=19"),
        ("resnet18", {"stem": "cifar"}, "\"small\".*Received: 'cifar'"),
        ("densenet121", {"stem": "cifar"}, "\"small\".*Received: 'cifar'"),
        ("densenet121", {"depth": 122}, "121 or 169. Received: depth=122"),
        ("tinyvit_5m", {"size": "6m"}, "Received: '6m'"),
    ],
)
def test_unknown_names(name, options, message):
    with pytest.raises(ValueError, match=message):
        models.build(name, (32, 32, 3), 10, **options)


def test_option_a_shortcut_passes_every_second_pixel_between_zeros():
    x = np.arange(2 * 5 * 4 * 16, dtype=np.float32).reshape(2, 5, 4, 16)
    inputs = keras.Input(batch_shape=x.shape)
    out = keras.Model(inputs, models.resnet_cifar._option_a(inputs, 32))(x).numpy()
    np.testing.assert_array_equal(out[..., 8:24], x[:, ::2, ::2])
    assert not out[..., :8].any()
    assert not out[..., 24:].any()


@pytest.mark.parametrize(
    ("name", "accuracy"),
    [
        ("resnet20", 91.73),
        pytest.param("resnet56", 93.39, marks=pytest.mark.slow),
    ],
)
def test_published_weights_have_the_published_accuracy(name, accuracy):
    if not (DATA / "tfds" / "cifar10").exists():
        pytest.skip(f"needs CIFAR-10 in {DATA / 'tfds'}")
    import tensorflow_datasets as tfds

    path = DATA / "weights" / f"cifar10_{name}.npz"
    model = models.build(name, (32, 32, 3), 10, pretrained=str(path))
    test = tfds.load(
        "cifar10",
        split="test",
        data_dir=str(DATA / "tfds"),
        download=False,
        as_supervised=True,
        batch_size=-1,
    )
    images, labels = test
    assert len(labels) == 10_000
    predicted = model.predict(images, batch_size=250, verbose=0).argmax(axis=-1)
    # A hundredth of a per cent is one image.
    assert 100 * np.mean(predicted == labels) == pytest.approx(accuracy, abs=0.011)
