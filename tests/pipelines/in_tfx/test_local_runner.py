"""Real TFX under LocalDagRunner, with ml-metadata in SQLite: `make test-tfx`."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tfx_data

pytest.importorskip("tfx", reason="TFX is not installed: make test-tfx runs these")
import tfx_pipelines
from tfx import v1 as tfx
from tfx_pipelines import ACCURATE, policy

from kd_keras import models

pytestmark = pytest.mark.tfx
ROOT = pathlib.Path(__file__).resolve().parents[3]
POINTS = [(2.0, 0.0), (0.0, 2.0), (0.3, -0.4)]
SERVE = """
import json, sys
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
examples = [bytes.fromhex(text) for text in json.load(sys.stdin)]
print(json.dumps(serve(tf.constant(examples))["probabilities"].numpy().tolist()))
"""


def properties(artifact):
    return {
        name: getattr(value, value.WhichOneof("value"))
        for name, value in artifact.custom_properties.items()
    }


def pushed(root):
    serving = root / "serving"
    return sorted(serving.iterdir()) if serving.exists() else []


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A run whose student is blessed, and one that is judged against it and refused."""
    root = tmp_path_factory.mktemp("twice")
    tfx_pipelines.write_data(root, {"train": 600, "eval": 200})
    conditions = {
        **ACCURATE,
        "drop": {"metric": "accuracy", "against": "teacher", "at_least": -0.3},
        "before": {"metric": "accuracy", "against": "baseline", "at_least": -0.02},
    }
    tfx_pipelines.run(root, tfx_pipelines.whole(root, policy(**conditions)))
    first = pushed(root)
    # Of u alone nobody can tell more than three of four.
    spoiled = tfx_pipelines.whole(root, policy(**conditions), features=["u"])
    tfx_pipelines.run(root, spoiled)
    return root, first


def test_both_verdicts_are_properties_of_the_blessings(twice):
    root, _ = twice
    students = [a for a in tfx_pipelines.artifacts(root, "Model") if "Dist" in a.uri]
    good, bad = map(properties, tfx_pipelines.artifacts(root, "ModelBlessing"))
    assert (good["blessed"], bad["blessed"]) == (1, 0)
    assert [good["current_model_id"], bad["current_model_id"]] == [
        student.id for student in students
    ]
    # The second run's Resolver has found what the first one blessed.
    assert "baseline_model_id" not in good
    assert "before: not judged" in good["reasons"]
    assert bad["baseline_model_id"] == students[0].id
    assert bad["baseline_model"] == students[0].uri
    assert "before: failed" in bad["reasons"]


def test_the_files_say_what_the_properties_say(twice):
    root, _ = twice
    good, bad = tfx_pipelines.artifacts(root, "ModelBlessing")
    for artifact, word in ((good, "BLESSED"), (bad, "NOT_BLESSED")):
        path = pathlib.Path(artifact.uri)
        assert sorted(p.name for p in path.iterdir()) == [word, "verdict.json"]
        verdict = json.loads((path / "verdict.json").read_text())
        assert verdict["blessed"] == (word == "BLESSED")
        assert verdict["examples"] == 200


def test_pusher_obeys_both(twice):
    root, first = twice
    assert len(first) == 1
    assert pushed(root) == first


def test_what_did_not_change_comes_from_the_cache(twice):
    root, _ = twice
    for component in ("ImportExampleGen", "ImportSchemaGen"):
        assert tfx_pipelines.executions(root, component) == ["COMPLETE", "CACHED"]
    assert tfx_pipelines.executions(root, "Distiller") == ["COMPLETE", "COMPLETE"]


def test_the_pushed_model_answers_in_another_process_as_the_student(twice):
    root, (version,) = twice
    student = next(a for a in tfx_pipelines.artifacts(root, "Model") if "Dist" in a.uri)
    examples = [tfx_data.example({"u": u, "v": v}) for u, v in POINTS]
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(version)],
        input=json.dumps([e.hex() for e in examples]),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = tf.saved_model.load(f"{student.uri}/Format-Serving")
    expected = loaded.signatures["serving_default"](tf.constant(examples))
    answer = np.array(json.loads(done.stdout))
    assert np.allclose(answer, expected["probabilities"], atol=1e-6)
    assert answer.argmax(-1).tolist() == [1, 0, 1]


def test_a_teacher_that_is_not_there_is_named(tmp_path):
    tfx_pipelines.write_data(tmp_path, {"train": 20, "eval": 10})
    (tmp_path / "nothing").mkdir()
    of = tfx_pipelines.sources(tmp_path, teacher="nothing")
    with pytest.raises(ValueError, match=r"no saved_model.pb in any of .*nothing"):
        tfx_pipelines.run(tmp_path, [*of, tfx_pipelines.distiller(of)])


@pytest.mark.parametrize(
    ("sizes", "groups", "message"),
    [
        ({"train": 20, "eval": 10}, ["race"], r"'race' is named, and the schema has"),
        ({"train": 20, "eval": 0}, ["side"], r"the split is empty"),
    ],
    ids=["schema-without-the-attribute", "empty-split"],
)
def test_what_the_gate_cannot_judge_is_not_blessed(tmp_path, sizes, groups, message):
    tfx_pipelines.write_data(tmp_path, sizes)
    of = tfx_pipelines.sources(tmp_path)
    model = of[2].outputs["result"]
    gate = tfx_pipelines.gate(of, model, policy(**ACCURATE), groups=groups)
    with pytest.raises(ValueError, match=message):
        tfx_pipelines.run(tmp_path, [*of, gate])
    assert not any(
        properties(blessing).get("blessed")
        for blessing in tfx_pipelines.artifacts(tmp_path, "ModelBlessing")
    )


def crashing_mlp(features, num_classes, marker):
    """A builder that fails until a file is there."""
    if not pathlib.Path(marker).exists():
        raise OSError("the machine went down")
    return models.build("mlp", features, num_classes, hidden_units=(4,))


def test_after_a_crash_the_rest_runs_and_what_was_done_comes_from_the_cache(
    tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(pathlib.Path(__file__).parent))
    tfx_pipelines.write_data(tmp_path, {"train": 600, "eval": 200})

    def components():
        example_gen, schema, teacher = tfx_pipelines.sources(tmp_path)
        # As a TFX pipeline of one's own calls the same function.
        trainer = tfx.components.Trainer(
            module_file=str(ROOT / "pipelines/tfx/module_file/run_fn.py"),
            examples=example_gen.outputs["examples"],
            schema=schema.outputs["schema"],
            base_model=teacher.outputs["result"],
            train_args=tfx.proto.TrainArgs(num_steps=40),
            eval_args=tfx.proto.EvalArgs(num_steps=2),
            custom_config={
                "student": "test_local_runner:crashing_mlp",
                "student_options": {"marker": str(tmp_path / "up")},
                "label": tfx_pipelines.LABEL,
                "class_names": list(tfx_pipelines.CLASSES),
                "features": list(tfx_pipelines.FEATURES),
                "learning_rate": 0.02,
            },
        )
        return [example_gen, schema, teacher, trainer]

    with pytest.raises(OSError, match="the machine went down"):
        tfx_pipelines.run(tmp_path, components())
    (tmp_path / "up").touch()
    tfx_pipelines.run(tmp_path, components())
    assert tfx_pipelines.executions(tmp_path, "Trainer") == ["FAILED", "COMPLETE"]
    assert tfx_pipelines.executions(tmp_path, "ImportExampleGen") == [
        *("COMPLETE", "CACHED")
    ]
