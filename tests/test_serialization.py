"""What has a config comes back from it: config, JSON, object, the same config."""

import ast
import json
import pathlib

import keras
import numpy as np
import pytest

from kd_keras import losses, mitigation, training
from kd_keras.distiller import Distiller
from kd_keras.models.text import Tokens
from kd_keras.models.window_attention import WindowAttention

ROOT = pathlib.Path(__file__).resolve().parents[1]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the"]
OF_LAYERS = {"name", "trainable", "dtype"}
OF_PARTS = {"name", "weight"}


@keras.saving.register_keras_serializable(package="tests")
class AbsoluteDistance(losses.LossPart):
    """A part without arguments of its own."""

    def __call__(self, inputs):
        return keras.ops.sum(keras.ops.abs(inputs.teacher - inputs.student), -1)


@keras.saving.register_keras_serializable(package="tests")
def squared_distance(teacher_logits, student_logits, temperature):
    return keras.ops.sum((teacher_logits - student_logits) ** 2, -1)


def network(units):
    layers = [keras.layers.Dense(units, name="hidden"), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((6,)), *layers])


def distiller(soft_loss="kl", **options):
    teachers = [network(5), network(7)]
    schedule = keras.optimizers.schedules.PolynomialDecay(4.0, 10, 1.0)
    return Distiller(
        student=network(4),
        teacher=teachers,
        temperature=schedule,
        alpha=0.7,
        soft_loss=soft_loss,
        hints=[losses.FeatureHint("hidden", "hidden", "cosine", 2.0, 1)],
        parts=[AbsoluteDistance("distance", weight=0.5)],
        teacher_weights=[1.0, 2.0],
        combine_teachers="logits",
        scale_by_temperature_squared=False,
        **options,
    )


def tokens():
    keras_hub = pytest.importorskip("keras_hub")
    tokenizer = keras_hub.tokenizers.BertTokenizer(VOCABULARY, lowercase=True)
    return Tokens(tokenizer, 12, name="tokens")


# Class, how to make one that differs from a default one, and what its base class adds.
CASES = {
    "BalancedKD": (lambda: mitigation.BalancedKD([3, 1], weight=0.5), OF_PARTS),
    "BalancedSoftmax": (
        lambda: mitigation.BalancedSoftmax([3, 1], reduction="sum"),
        {"name", "reduction"},
    ),
    "DecoupledLoss": (
        lambda: losses.DecoupledLoss(2.0, 4.0, 10, name="dkd", weight=0.5),
        OF_PARTS,
    ),
    "DistLoss": (lambda: losses.DistLoss(2.0, 3.0, weight=0.5), OF_PARTS),
    "FairFeatures": (
        lambda: mitigation.FairFeatures("a/b", "c", 2, 3, 0.5, "sex", 3.0, 1, "n"),
        OF_PARTS,
    ),
    "FeatureHint": (
        lambda: losses.FeatureHint("a/b", "c", "cosine", 2.0, 1, "n"),
        OF_PARTS,
    ),
    "GeneralizedJensenShannonLoss": (
        lambda: losses.GeneralizedJensenShannonLoss(0.3, name="gjs", weight=0.5),
        OF_PARTS,
    ),
    "GroupDRO": (
        lambda: mitigation.GroupDRO(
            2, 2, 0.1, 1.0, [1, 2, 3, 4], "sex", 0.5, "logit_mse"
        ),
        OF_PARTS,
    ),
    "GroupShift": (
        lambda: mitigation.GroupShift([[1.5], [-1e9], [0.0]], name="mended"),
        OF_LAYERS,
    ),
    "LossPart": (lambda: AbsoluteDistance("distance", 3.0), OF_PARTS),
    "MinDiff": (
        lambda: mitigation.MinDiff(3, "all", 0.2, "sex", "diff", 3.0),
        OF_PARTS,
    ),
    "MixedLoss": (
        lambda: mitigation.MixedLoss([0.1, 0.9], "logit_mse", None, False),
        OF_PARTS,
    ),
    "WarmUp": (
        lambda: training.WarmUp(
            2.0, 10, keras.optimizers.schedules.CosineDecay(2.0, 30)
        ),
        set(),
    ),
    "WindowAttention": (
        lambda: WindowAttention(2, 7, name="attention", trainable=False),
        OF_LAYERS,
    ),
    "Tokens": (tokens, OF_LAYERS),
    # All of its methods for saving.
    "SavedDistiller": (lambda: distiller(trainable=False), OF_LAYERS),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_config_json_object_config(name):
    make, inherited = CASES[name]
    one = make()
    config = keras.saving.serialize_keras_object(one)
    assert inherited < set(config["config"]) or inherited == OF_PARTS
    assert inherited <= set(config["config"])
    text = json.dumps(config)
    other = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(other) is type(one)
    assert json.loads(json.dumps(other.get_config())) == json.loads(text)["config"]


def test_every_class_with_a_config_is_here():
    found = {
        node.name
        for path in (ROOT / "kd_keras").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if getattr(method, "name", "") == "get_config"
    }
    assert found == set(CASES)


@pytest.mark.parametrize(
    "soft_loss",
    [
        "dist",
        losses.DecoupledLoss(1.0, 2.0, 3),
        losses.DistLoss(2.0),
        AbsoluteDistance("soft", 2.0),
        squared_distance,
        keras.distillation.LogitsDistillation(2.0),
    ],
    ids=["name", "decoupled", "dist", "own class", "function", "keras"],
)
def test_a_saved_distiller_is_the_one_it_was(soft_loss, tmp_path):
    one = distiller(soft_loss)
    one.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
    y = np.arange(8) % 3
    one.fit(x, y, verbose=0)
    one.save(tmp_path / "d.keras")
    other = keras.saving.load_model(tmp_path / "d.keras")
    configs = [json.loads(json.dumps(m.get_config())) for m in (one, other)]
    assert configs[0] == configs[1]
    other.teacher = one.teacher
    logs = [m.evaluate(x, y, verbose=0, return_dict=True) for m in (one, other)]
    assert logs[0] == logs[1]
