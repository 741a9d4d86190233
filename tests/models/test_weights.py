"""Pretrained weights give the pretrained model."""

import keras
import numpy as np
import pytest

from kd_keras import models
from kd_keras.models import weights


def _randomize(model):
    """Moving variances included, so that no layer is an identity."""
    rng = np.random.default_rng(0)
    model.set_weights(
        [
            rng.normal(0, (2 / np.prod(w.shape[:-1])) ** 0.5, w.shape)
            if w.ndim > 1
            else rng.uniform(0.5, 1.5, w.shape)
            for w in model.get_weights()
        ]
    )


def test_densenet_is_that_of_keras_applications():
    pretrained = keras.applications.DenseNet121(
        weights=None, input_shape=(64, 48, 3), classes=5, classifier_activation=None
    )
    _randomize(pretrained)
    model = models.build("densenet121", (64, 48, 3), 5)
    weights.assign(model, weights.by_layer(pretrained.layers), "DenseNet121")
    pixels = np.random.default_rng(1).integers(0, 256, (2, 64, 48, 3))
    expected = pretrained(
        keras.applications.densenet.preprocess_input(pixels.astype(np.float32))
    )
    np.testing.assert_allclose(model(pixels), expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("depth", "block_type"), [(18, "basic_block"), (50, "bottleneck_block")]
)
def test_resnet_is_that_of_kerashub(depth, block_type, tmp_path):
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=models.resnet.BLOCKS[depth],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type=block_type,
        image_shape=(64, 48, 3),
    )
    pretrained = keras_hub.models.ResNetImageClassifier(backbone, num_classes=5)
    _randomize(pretrained)
    pretrained.save_to_preset(str(tmp_path))
    model = models.build(f"resnet{depth}", (64, 48, 3), 5, pretrained=str(tmp_path))
    pixels = np.random.default_rng(1).integers(0, 256, (2, 64, 48, 3))
    standardized = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(model(pixels), pretrained(standardized), rtol=1e-3)


def test_vit_is_that_of_kerashub(tmp_path):
    keras_hub = pytest.importorskip("keras_hub")
    sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 16}
    backbone = keras_hub.models.ViTBackbone((32, 32, 3), 16, **sizes)
    pretrained = keras_hub.models.ViTImageClassifier(
        backbone, num_classes=5, pooling="token"
    )
    _randomize(pretrained)
    pretrained.save_to_preset(str(tmp_path))
    model = models.build("vit_b16", (32, 32, 3), 5, pretrained=str(tmp_path), **sizes)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3))
    np.testing.assert_allclose(model(pixels), pretrained(pixels / 127.5 - 1), rtol=1e-3)


def test_saved_model_with_another_head(tmp_path):
    pretrained = models.build("resnet20", (8, 8, 3), 10)
    _randomize(pretrained)
    path = str(tmp_path / "pretrained.keras")
    pretrained.save(path)
    pixels = np.full((1, 8, 8, 3), 99)

    same = models.build("resnet20", (8, 8, 3), 10, pretrained=path)
    np.testing.assert_allclose(same(pixels), pretrained(pixels), rtol=1e-5)

    fewer = models.build("resnet20", (8, 8, 3), 4, pretrained=path)
    assert fewer(pixels).shape == (1, 4)
    for one, two in zip(fewer.weights[:-2], pretrained.weights[:-2], strict=True):
        np.testing.assert_array_equal(one, two)


def test_weights_that_do_not_fit(tmp_path):
    path = str(tmp_path / "resnet20.keras")
    models.build("resnet20", (8, 8, 3), 10).save(path)
    with pytest.raises(
        ValueError, match=r"resnet20.keras does not fit 'resnet32'.*none"
    ):
        models.build("resnet32", (8, 8, 3), 10, pretrained=path)
    with pytest.raises(ValueError, match=r"for densenet121.*resnet_50_imagenet"):
        models.build("resnet20", (8, 8, 3), 10, pretrained="imagenet")
