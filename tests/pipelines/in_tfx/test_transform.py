"""A student behind Transform: its export takes raw tf.Examples."""

import types

import pytest
import tensorflow as tf
import tfx_data

pytest.importorskip("tfx", reason="TFX is not installed: make test-tfx runs these")
import apache_beam as beam
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from pipelines.tfx import settings
from pipelines.tfx.run_fn import run_fn
from pipelines.tfx.transform import TransformingReader

pytestmark = pytest.mark.tfx
RAW = {
    "age": tf.io.FixedLenFeature([], tf.float32),
    "job": tf.io.FixedLenFeature([], tf.string),
    "paid": tf.io.FixedLenFeature([], tf.string),
    "unused": tf.io.FixedLenFeature([], tf.float32),
}
ROWS = [
    {"age": a, "job": job, "paid": paid, "unused": 1.0}
    for a, job, paid in [
        (20.0, "nurse", "no"),
        (30.0, "nurse", "no"),
        (50.0, "clerk", "yes"),
        (60.0, "clerk", "yes"),
    ]
]
SETTINGS = {
    "student": "mlp",
    "label": "paid_index",
    "class_names": ["no", "yes"],
    "features": ["age_scaled", "job_index"],
    "batch_size": 4,
    "learning_rate": 0.05,
}


def preprocess(inputs):
    return {
        "age_scaled": tft.scale_to_0_1(inputs["age"]),
        "job_index": tft.compute_and_apply_vocabulary(inputs["job"]),
        "paid_index": tf.cast(inputs["paid"] == "yes", tf.int64),
        "twice": inputs["unused"] * 2,
    }


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """A TransformGraph, and the examples that Transform writes with it."""
    root = tmp_path_factory.mktemp("transform")
    metadata = dataset_metadata.DatasetMetadata(
        schema_utils.schema_from_feature_spec(RAW)
    )
    with (
        beam.Pipeline("FnApiRunner") as pipeline,
        tft_beam.Context(temp_dir=str(root / "tmp")),
    ):
        rows = pipeline | beam.Create(ROWS)
        function = (rows, metadata) | tft_beam.AnalyzeDataset(preprocess)
        function | tft_beam.WriteTransformFn(str(root / "graph"))
        # As TFX's component does.
        raw = str(root / "graph" / tft.TFTransformOutput.RAW_METADATA_DIR)
        metadata | tft_beam.WriteMetadata(raw, pipeline)
    return str(root / "graph")


def test_what_the_student_sees_and_learns(graph):
    read = TransformingReader(graph, {**settings.DEFAULTS, **SETTINGS})
    batch = tf.constant([tfx_data.example(row) for row in ROWS])
    found = {k: v.numpy().tolist() for k, v in read.training(batch).items()}
    assert found["age_scaled"] == pytest.approx([0, 0.25, 0.75, 1])
    assert found["paid_index"] == [0, 0, 1, 1]
    assert found["job_index"][0] != found["job_index"][2]


def test_the_export_transforms_and_needs_no_more_than_the_student(graph, tmp_path):
    pattern = tfx_data.write_split(tmp_path / "Split-train", ROWS)
    tfx_data.save_examples_model(str(tmp_path / "teacher"), {"age": 0.0}, "logits")
    run_fn(
        types.SimpleNamespace(
            train_files=[pattern],
            eval_files=[pattern],
            train_steps=40,
            eval_steps=1,
            schema_path=None,
            transform_graph_path=graph,
            base_model=str(tmp_path / "teacher"),
            serving_model_dir=str(tmp_path / "student"),
            model_run_dir=None,
            hyperparameters=None,
            # The labels alone.
            custom_config={**SETTINGS, "alpha": 0.0},
        )
    )
    loaded = tf.saved_model.load(str(tmp_path / "student"))
    # No label, and nothing that the student does not see.
    asked = [{k: row[k] for k in ("age", "job")} for row in ROWS]
    answer = loaded.signatures["serving_default"](
        tf.constant([tfx_data.example(row) for row in asked])
    )["probabilities"]
    assert answer.numpy().argmax(-1).tolist() == [0, 0, 1, 1]
    # As the student answers for what Transform makes of them.
    same = loaded.signatures["serving_features"](
        age_scaled=tf.constant([0.0, 0.25, 0.75, 1.0]),
        job_index=TransformingReader(graph, {**settings.DEFAULTS, **SETTINGS})(
            tf.constant([tfx_data.example(row) for row in asked])
        )["job_index"],
    )["probabilities"]
    assert answer.numpy() == pytest.approx(same.numpy(), abs=1e-6)
