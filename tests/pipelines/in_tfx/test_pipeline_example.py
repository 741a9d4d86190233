"""The example's pipeline on a part of Adult: all of its components are real."""

import glob
import os

import pytest
from official import shared

pytest.importorskip("tfx", reason="TFX is not installed: make test-tfx runs these")
import tensorflow_model_analysis as tfma

from examples import tfx_pipeline
from kd_keras import files

pytestmark = pytest.mark.tfx


def test_the_gate_counts_as_tfma_does(tmp_path, capsys):
    data = shared("adult", "adult_train.csv.gz")
    tfx_pipeline.prepare(str(data), str(tmp_path / "data"), rows=1500)
    tfx_pipeline.run(str(tmp_path), train_steps=30, teacher_steps=30)
    out = capsys.readouterr().out
    assert "not_worse_than_before: not judged" in out
    (path,) = glob.glob(f"{tmp_path}/artifacts/FairnessGate/blessing/*/verdict.json")
    verdict = files.read_json(path)
    (output,) = glob.glob(f"{tmp_path}/artifacts/Evaluator/evaluation/*")
    student, teacher = (_overall(output, name) for name in ("student", "teacher"))
    (drop,) = (c for c in verdict["conditions"] if c["name"] == "accuracy_drop")
    assert drop["value"] == pytest.approx(
        student["accuracy"] - teacher["accuracy"], abs=1e-6
    )
    assert verdict["examples"] == student["example_count"]
    for attribute in tfx_pipeline.GROUPS:
        assert f"equalized_odds_difference/{attribute}" in student
    # What the Fairness Indicators tab shows.
    assert "fairness_indicators_metrics/false_positive_rate@0.5" in student
    assert os.path.isdir(tmp_path / "serving") == verdict["blessed"]


def _overall(output: str, model: str) -> dict[str, float]:
    """TFMA's numbers of all examples."""
    result = tfma.load_eval_result(output, model_name=model)
    metrics = dict(result.slicing_metrics)[()]
    return {
        name: value.get("doubleValue", float("nan"))
        for name, value in metrics[""][""].items()
    }
