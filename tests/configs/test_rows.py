"""Every config names models, data sets, options and recipes that there are."""

import importlib
import inspect
import pathlib

import pytest

from kd_keras import models, training
from kd_keras.datasets import DATASETS
from kd_keras.datasets.augment import AUGMENTATIONS
from kd_keras.models import layers
from pipelines.studies import config_checks

ROOT = pathlib.Path(__file__).parents[2] / "configs"
ROWS = sorted(path.stem for path in ROOT.glob("[!_]*.py"))
# Teacher and student of every row of the study's table, and two sets beyond it.
PAIRS = {
    ("adult", "wide_and_deep", "mlp"),
    ("celeb_a", "resnet50", "resnet18"),
    ("cifar10", "resnet56", "resnet20"),
    ("cifar100", "densenet169", "densenet121"),
    ("cifar100lt", "resnet56", "resnet20"),
    ("cifar10s", "resnet56", "resnet20"),
    ("cifar100", "resnet56", "resnet20"),
    ("fairface", "resnet50", "resnet18"),
    ("hatexplain", "bert", "distilbert"),
    ("imagenet2012", "resnet50", "resnet18"),
    ("imagenet2012", "vit_b16", "tinyvit_5m"),
    ("svhn_cropped", "resnet56", "resnet20"),
    ("tiny_imagenet", "resnet50", "resnet18"),
    ("trifeature", "resnet20", "lenet5"),
}


def load(row):
    return importlib.import_module(f"configs.{row}").get_config()


def test_every_row_has_a_config():
    found = [load(row) for row in ROWS if row != "demo"]
    assert {(c.dataset.name, c.teacher.model, c.student.model) for c in found} == PAIRS


@pytest.mark.parametrize("row", ROWS)
def test_names_are_known(row):
    config = load(row)
    config_checks.validate(config)
    assert config.name == row
    options = inspect.signature(DATASETS[config.dataset.name]).parameters
    if "options" not in options:
        assert set(config.dataset) - {"name"} <= set(options)
    for recipe in (config.teacher, config.student):
        assert recipe.model in models.MODELS
        assert recipe.get("augmentation", "") in {"", *AUGMENTATIONS}
        model = inspect.signature(models.MODELS[recipe.model]).parameters
        assert set(recipe.get("model_options", {})) <= set(model)
        layers.require_stem(recipe.get("model_options", {}).get("stem", "small"))
        training.optimizer(
            recipe.optimizer,
            learning_rate=recipe.learning_rate,
            schedule=recipe.schedule,
            total_steps=100,
            **recipe.get("optimizer_options", {}),
        )


@pytest.mark.parametrize(
    "path", sorted((ROOT / "small").glob("[!_]*.py")), ids=lambda p: p.stem
)
def test_small_studies_are_of_rows(path):
    config = importlib.import_module(f"configs.small.{path.stem}").get_config()
    config.teacher.pretrained = "weights.npz"  # Which the user names.
    config_checks.validate(config)
    assert config.name == path.stem
    assert config.dataset.name in {dataset for dataset, _, _ in PAIRS}
    assert len(config.seeds) >= 3
    # Over temperatures, or over methods.
    assert {1.0, 4.0, 10.0} <= set(config.temperatures) or len(config.methods) >= 3


@pytest.mark.parametrize(
    "path", sorted((ROOT / "evidence").glob("[!_]*.py")), ids=lambda p: p.stem
)
def test_planned_studies_are_what_docs_evidence_says(path):
    config = importlib.import_module(f"configs.evidence.{path.stem}").get_config()
    if not config.teacher.epochs:
        config.teacher.pretrained = "weights.npz"  # Which the user names.
    config_checks.validate(config)
    # Of a row, or of what a frozen network sees of its images.
    assert config.dataset.name in {"table", *(dataset for dataset, _, _ in PAIRS)}
    if path.stem == "cifar10":  # Has no groups, and long trainings: finding 1 alone.
        assert (config.seeds, config.temperatures) == ((0, 1, 2), (1.0, 4.0, 10.0))
    else:
        assert len(config.seeds) >= 10
        # The slope needs T from 2 to 10, "too hot" one beyond.
        assert {2.0, 4.0, 7.0, 10.0, 20.0, 40.0} <= set(config.temperatures)
    # I(f) has no verdict where a teacher of the study measures the distances.
    assert config.evaluation.individual_fairness.extractor == "input"
