"""Two models on the same examples: shares by hand, the test by SciPy."""

import numpy as np
import pytest
import scipy.stats
from in_memory import compute, extracts
from tensorflow_model_analysis.proto import config_pb2

from pipelines.evaluation.metrics.counts import MAX_WAITING
from pipelines.evaluation.metrics.paired_errors import PairedErrors

LABELS = [1, 1, 1, 1, 0, 0, 0, 0, 2, 2]
REFERENCE = [1, 1, 0, 0, 0, 0, 0, 1, 2, 0]
#            introduced 0, 1, 5, 8; shared 2 (as 0) and 7 (another class); repaired 3.
STUDENT = [0, 2, 0, 1, 0, 1, 0, 2, 1, 2]
WEIGHTS = [1, 2, 3, 4, 5, 1, 2, 3, 4, 0]


def hard(predictions):
    return 0.7 * np.eye(3)[predictions] + 0.1


def values(weighted=False, baseline="teacher", models=("teacher", "ref", "ds")):
    predictions = {"ref": hard(REFERENCE), "ds": hard(STUDENT), "teacher": hard(LABELS)}
    config = config_pb2.EvalConfig(
        model_specs=[{"name": m, "is_baseline": m == baseline} for m in models]
    )
    metric = PairedErrors("ref", num_classes=3, name="versus")
    return compute(
        metric,
        extracts(LABELS, predictions, weights=WEIGHTS),
        eval_config=config,
        model_names=list(models),
        example_weighted=weighted,
    )


def of_student(found):
    return {k.name.removeprefix("versus/"): v for k, v in found.items()}


def test_shares_by_hand():
    found = values()
    assert {key.model_name for key in found} == {"ds"}
    assert {key.example_weighted for key in found} == {False}
    # Nine repairs too: 3 and 9. Equal answers: 2, 4 and 6.
    assert of_student(found) == pytest.approx(
        {
            "agreement": 3 / 10,
            "shared_errors": 2 / 10,
            "introduced_errors": 4 / 10,
            "repaired_errors": 2 / 10,
            "mcnemar_p_value": scipy.stats.binomtest(2, 6).pvalue,
        }
    )


def test_weights_change_the_shares_and_leave_out_an_example_of_none():
    found = values(weighted=True)
    assert {key.example_weighted for key in found} == {True}
    assert of_student(found) == pytest.approx(
        {
            "agreement": (3 + 5 + 2) / 25,
            "shared_errors": (3 + 3) / 25,
            "introduced_errors": (1 + 2 + 1 + 4) / 25,
            "repaired_errors": 4 / 25,
            # Of examples: four introduced, one repaired.
            "mcnemar_p_value": scipy.stats.binomtest(1, 5).pvalue,
        }
    )


def test_the_reference_and_the_baseline_are_left_out():
    assert {k.model_name for k in values(baseline=None)} == {"teacher", "ds"}
    assert {k.model_name for k in values(baseline="ref")} == {"teacher", "ds"}
    assert values(models=("teacher", "ref")) == {}


def test_without_examples_nothing_is_known():
    metric = PairedErrors("ref", num_classes=3)
    found = compute(
        metric, [], eval_config=config_pb2.EvalConfig(), model_names=["ref", "ds"]
    )
    by_name = {key.name.removeprefix("paired_errors/"): v for key, v in found.items()}
    assert by_name.pop("mcnemar_p_value") == 1
    assert np.isnan(list(by_name.values())).all()
    assert set(by_name) == {
        *("agreement", "shared_errors", "introduced_errors", "repaired_errors"),
    }


def test_two_classes_are_the_default():
    counts = PairedErrors("ref").computations(
        eval_config=config_pb2.EvalConfig(), model_names=["ds"]
    )[0]
    assert counts.combiner.num_classes == 2
    (key,) = counts.keys
    assert (key.model_name, "ref" in key.name) == ("ds", True)


def test_batches_that_lack_a_class_are_merged():
    # A thousand examples of class 0 are counted before the one of class 2.
    labels = [0] * MAX_WAITING + [2]
    predictions = {"ref": hard(labels), "ds": hard([0] * (MAX_WAITING + 1))}
    found = compute(
        PairedErrors("ref", num_classes=3, name="versus"),
        extracts(labels, predictions),
        bundles=1,
        eval_config=config_pb2.EvalConfig(),
        model_names=["ds"],
    )
    values = {key.name: value for key, value in found.items()}
    assert values["versus/introduced_errors"] == pytest.approx(1 / 1001)
