"""The architectures have exactly the weights of the published ones."""

import keras
import pytest

from kd_keras import models

IMAGE = (224, 224, 3)


def trainable(model):
    return sum(weight.value.shape.num_elements() for weight in model.trainable_weights)


@pytest.mark.parametrize(
    ("name", "shape", "classes", "options", "weights"),
    [
        # He et al. 2016, table 6: 0.27 M, 0.46 M, 0.66 M, 0.85 M and 1.7 M. Two more
        # blocks per stage are 194,432 weights:
        # 4 * 9 * (16^2 + 32^2 + 64^2) kernels and 8 * (16 + 32 + 64) of batch norm.
        ("resnet20", (32, 32, 3), 10, {}, 269_722),
        ("resnet32", (32, 32, 3), 10, {}, 269_722 + 194_432),
        ("resnet44", (32, 32, 3), 10, {}, 269_722 + 2 * 194_432),
        ("resnet56", (32, 32, 3), 10, {}, 269_722 + 3 * 194_432),
        ("resnet110", (32, 32, 3), 10, {}, 269_722 + 15 * 194_432 // 2),
        # Two projections: 16 * 32 and 32 * 64 kernels, 2 * 32 and 2 * 64 of batch norm.
        ("resnet20", (32, 32, 3), 10, {"shortcut": "B"}, 269_722 + 2_752),
        ("lenet5", (32, 32, 3), 10, {}, 62_006),
        # torchvision's counts.
        ("resnet18", IMAGE, 1000, {}, 11_689_512),
        ("resnet34", IMAGE, 1000, {}, 21_797_672),
        ("resnet50", IMAGE, 1000, {}, 25_557_032),
        ("densenet169", IMAGE, 1000, {}, 14_149_480),
        # The stem has 3 * 3 * 3 * 64 weights instead of 7 * 7 * 3 * 64; 10 classes.
        ("resnet18", (32, 32, 3), 10, {"stem": "small"}, 11_173_962),
        # No batch norm behind the small stem; from 7,978,856.
        (
            "densenet121",
            (32, 32, 3),
            100,
            {"stem": "small"},
            7_978_856 - 1_025_000 + 102_500 - 9_408 + 1_728 - 128,
        ),
        # timm's counts.
        ("tinyvit_5m", IMAGE, 1000, {}, 5_392_764),
        ("tinyvit_11m", IMAGE, 1000, {}, 10_996_972),
        ("tinyvit_21m", IMAGE, 1000, {}, 21_198_568),
    ],
)
def test_trainable_weights(name, shape, classes, options, weights):
    keras.backend.clear_session()
    assert trainable(models.build(name, shape, classes, **options)) == weights


@pytest.mark.parametrize(
    ("name", "shape", "classes", "weights"),
    [
        # timm's count; those of the Transformers library for two labels.
        ("vit_b16", IMAGE, 1000, 86_567_656),
        ("bert", (), 2, 109_483_778),
        ("distilbert", (), 2, 66_955_010),
    ],
)
def test_trainable_weights_of_transformers(name, shape, classes, weights):
    pytest.importorskip("keras_hub")
    keras.backend.clear_session()
    options = {}
    if not shape:
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        options["vocabulary"] = special + [str(i) for i in range(30_522 - 5)]
    assert trainable(models.build(name, shape, classes, **options)) == weights
