"""run_fn with what TFX's Trainer passes, and without TFX."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from kd_keras import files
from kd_keras.datasets import DatasetSpec, examples
from kd_keras.export import save_model
from pipelines.tfx import inputs as tfx
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
        directory = path / f"Split-{split}"
        directory.mkdir()
        points = np.random.default_rng(size).normal(size=(size, 2)).astype(np.float32)
        with tf.io.TFRecordWriter(str(directory / "data-0-of-1.gz"), "GZIP") as writer:
            for i, (u, v) in enumerate(points):
                wrong = {"u": u, "v": v, "y": int(u <= v), "id": str(i).encode()}
                writer.write(examples.encode(SPEC, wrong))
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
        ({"base_model": "nowhere"}, r"must be a SavedModel. Received: 'nowhere'"),
        ({"train_steps": None}, r"train_steps must be a positive number"),
        ({"train_files": ["nowhere/*"]}, r"No file matches \['nowhere/\*'\]"),
        ({"custom_config": None}, r"must hold \['student', 'label'"),
        ({"custom_config": {**CUSTOM_CONFIG, "T": 1}}, r"Received: \['T'\]"),
        ({"custom_config": {**CUSTOM_CONFIG, "label": "z"}}, r"feature 'z'"),
        (
            {"custom_config": {**CUSTOM_CONFIG, "features": ["u"]}},
            r"takes \['u', 'v'\].*\['u'\]",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_bad_input_is_named(fn_args, changes, message):
    spoiled = types.SimpleNamespace(**{**vars(fn_args), **changes})
    with pytest.raises(ValueError, match=message):
        trainer_module.run_fn(spoiled)


def test_a_teacher_without_signatures_is_refused(fn_args, tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(ValueError, match="must have the signature 'serving_features'"):
        tfx.load_teacher(str(tmp_path), SPEC)


def test_types_and_shapes_come_from_the_schema(tmp_path):
    path = tmp_path / "schema.pbtxt"
    path.write_text(text_format.MessageToString(_schema()))
    settings = {**trainer_module.DEFAULTS, **CUSTOM_CONFIG, "image_shape": [8, 8, 3]}
    settings["features"] = ["u", "photo", "text"]
    spec = tfx.spec_from_schema(str(path), settings)
    assert spec.features == {
        "u": tf.TensorSpec((), tf.float32),
        "photo": tf.TensorSpec((8, 8, 3), tf.uint8),
        "text": tf.TensorSpec((), tf.string),
    }


def _schema() -> schema_pb2.Schema:
    return text_format.Parse(SCHEMA, schema_pb2.Schema())


def test_an_image_needs_its_shape(fn_args):
    settings = {**trainer_module.DEFAULTS, **CUSTOM_CONFIG, "features": ["photo"]}
    with pytest.raises(ValueError, match=r"'photo' is an image.*image_shape"):
        tfx.spec_from_schema(fn_args.schema_path, settings)
