"""run_fn with what TFX's Trainer passes, and without TFX."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
import tfx_data

from kd_keras import files
from kd_keras.datasets import DatasetSpec
from kd_keras.export import save_model
from pipelines.tfx import inputs, settings
from pipelines.tfx import run_fn as trainer_module

SPEC = DatasetSpec(
    "points",
    {"u": tf.TensorSpec((), tf.float32), "v": tf.TensorSpec((), tf.float32)},
    "y",
    ("below", "above"),
    {},
)
SCHEMA = """
feature { name: "u" type: FLOAT shape { dim { size: 1 } } }
feature { name: "v" type: FLOAT shape { dim { size: 1 } } }
feature { name: "y" type: INT shape { dim { size: 1 } } }
feature { name: "photo" type: BYTES image_domain {} shape { dim { size: 1 } } }
feature { name: "text" type: BYTES shape { dim { size: 1 } } }
feature { name: "side" type: BYTES }
"""
CUSTOM_CONFIG = {
    "student": "mlp",
    "label": "y",
    "class_names": ["below", "above"],
    "features": ["u", "v"],
    "temperature": 2.0,
    # The labels have no part: they are wrong.
    "alpha": 1.0,
    "learning_rate": 0.1,
}


@pytest.fixture(scope="module")
def fn_args(tmp_path_factory):
    """Every field of tfx.components.FnArgs (TFX 1.x), as its Trainer fills it."""
    path = tmp_path_factory.mktemp("tfx")
    for split, size in (("train", 512), ("eval", 128)):
        points = np.random.default_rng(size).normal(size=(size, 2))
        wrong = [
            {
                "u": float(u),
                "v": float(v),
                "y": int(u <= v),
                "side": (None, "left", "right")[i % 3],
            }
            for i, (u, v) in enumerate(points)
        ]
        tfx_data.write_split(path / f"Split-{split}", wrong)
    (path / "schema.pbtxt").write_text(SCHEMA)
    save_model(_teacher(), SPEC, str(path / "teacher"))
    return types.SimpleNamespace(
        working_dir=str(path),
        train_files=[str(path / "Split-train" / "*")],
        eval_files=[str(path / "Split-eval" / "*")],
        train_steps=60,
        eval_steps=2,
        schema_path=str(path / "schema.pbtxt"),
        schema_file=None,
        transform_graph_path=None,
        transform_output=None,
        data_accessor=None,
        serving_model_dir=str(path / "Format-Serving"),
        eval_model_dir=None,
        model_run_dir=str(path / "run"),
        base_model=str(path / "teacher"),
        hyperparameters={"space": [], "values": {"learning_rate": 0.01}},
        custom_config=CUSTOM_CONFIG,
    )


def _teacher() -> keras.Model:
    """Logits -4 and 4 times u - v: above where u > v."""
    inputs = {name: keras.Input((), name=name) for name in ("u", "v")}
    difference = keras.ops.expand_dims(inputs["u"] - inputs["v"], -1)
    logits = keras.layers.Dense(2, use_bias=False, name="logits")
    model = keras.Model(inputs, logits(difference))
    logits.set_weights([np.array([[-4.0, 4.0]])])
    return model


def test_the_export_follows_the_teacher_and_not_the_labels(fn_args):
    trainer_module.run_fn(fn_args)
    loaded = tf.saved_model.load(fn_args.serving_model_dir)
    u, v = np.random.default_rng(7).normal(size=(2, 400)).astype(np.float32)
    answer = loaded.signatures["serving_features"](u=tf.constant(u), v=tf.constant(v))
    agreement = (answer["probabilities"].numpy().argmax(-1) == (u > v)).mean()
    assert agreement > 0.9
    card = files.read_json(f"{fn_args.serving_model_dir}/model_card.json")
    assert card["settings"]["temperature"] == 2.0
    assert card["settings"]["learning_rate"] == 0.01  # The tuned one.
    assert len(card["teacher_fingerprint"]) == 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_model": None}, r"fn_args.base_model is needed"),
        ({"base_model": "nowhere"}, r"no saved_model.pb in any of \['nowhere/Format"),
        ({"train_steps": None}, r"train_steps must be a positive number"),
        ({"train_files": ["nowhere/*"]}, r"No file matches \['nowhere/\*'\]"),
        ({"custom_config": None}, r"must hold \['student', 'label'"),
        ({"custom_config": {**CUSTOM_CONFIG, "T": 1}}, r"Received: \['T'\]"),
        ({"custom_config": {**CUSTOM_CONFIG, "label": "z"}}, r"feature 'z'"),
        ({"schema_path": None}, r"schema_path is needed, or transform_graph_path"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_bad_input_is_named(fn_args, changes, message):
    spoiled = types.SimpleNamespace(**{**vars(fn_args), **changes})
    with pytest.raises(ValueError, match=message):
        trainer_module.run_fn(spoiled)


def test_a_teacher_without_signatures_is_refused(fn_args, tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    spoiled = types.SimpleNamespace(**{**vars(fn_args), "base_model": str(tmp_path)})
    with pytest.raises(ValueError, match="must have the signature 'serving_features'"):
        trainer_module.run_fn(spoiled)


def test_types_and_shapes_come_from_the_schema(fn_args):
    config = {**settings.DEFAULTS, **CUSTOM_CONFIG, "image_shape": [8, 8, 3]}
    config["features"] = ["u", "photo", "text"]
    assert inputs.reader(fn_args, config).spec.features == {
        "u": tf.TensorSpec((), tf.float32),
        "photo": tf.TensorSpec((8, 8, 3), tf.uint8),
        "text": tf.TensorSpec((), tf.string),
    }


def test_a_teacher_may_read_what_the_student_does_not(fn_args, tmp_path):
    # It has serving_default alone, and decides by u - v; the student sees only u.
    tfx_data.save_examples_model(
        str(tmp_path / "teacher"), {"u": 4.0, "v": -4.0}, "outputs"
    )
    config = {
        **CUSTOM_CONFIG,
        "features": ["u"],
        "teacher_outputs": "logits",
        "groups": {"side": ["left", "right"]},
        "method": "group_dro",
    }
    changed = {
        "base_model": str(tmp_path / "teacher"),
        "serving_model_dir": str(tmp_path / "student"),
        "custom_config": config,
    }
    trainer_module.run_fn(types.SimpleNamespace(**{**vars(fn_args), **changed}))
    loaded = tf.saved_model.load(str(tmp_path / "student"))
    rows = [tfx_data.example({"u": u, "v": 0.0}) for u in (-2.0, 2.0)]
    answer = loaded.signatures["serving_default"](tf.constant(rows))
    # Of u alone the sign is the best guess of that of u - v.
    assert answer["probabilities"].numpy().argmax(-1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "mfd"}, "compares layers"),
        ({"method": "dro"}, "Unknown method 'dro'"),
        ({"method": "reweighed"}, "has: none"),
        ({"transformed": True}, "need transform_graph="),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_methods_that_a_pipeline_cannot_have(fn_args, changes, message):
    config = {**CUSTOM_CONFIG, **changes}
    if config.get("method") == "mfd":
        config["method_options"] = {"teacher_layer": "a", "student_layer": "b"}
    spoiled = types.SimpleNamespace(**{**vars(fn_args), "custom_config": config})
    with pytest.raises(ValueError, match=message):
        trainer_module.run_fn(spoiled)


def test_an_empty_split_is_named(fn_args, tmp_path):
    empty = tfx_data.write_split(tmp_path / "Split-eval", [])
    spoiled = types.SimpleNamespace(**{**vars(fn_args), "eval_files": [empty]})
    with pytest.raises(ValueError, match="the split is empty"):
        trainer_module.run_fn(spoiled)
