"""A verdict on what is in memory: no working directory, no file."""

import ml_collections
import numpy as np
import pytest
import release_study as study
from tensorflow_model_analysis.proto.metrics_for_slice_pb2 import MetricsForSlice

from pipelines.analysis.results import Model, Result, Study
from pipelines.release import policy as policies
from pipelines.release import verdict
from pipelines.studies.layout import NDS, TEACHER
from pipelines.studies.predictions import Truth

SUBJECT = verdict.Subject(study.CANDIDATE, 3, "d" * 64)
# TFMA's number, which no prediction here gives: by hand it is 66/80.
TFMA_ACCURACY = 0.5


def judge(conditions, runs=study.RUNS):
    columns = study.columns()
    answers = dict(zip(study.RUNS, columns["x"].T, strict=True))
    document = {"config": {"evaluation": {"split": "test"}}}
    truth = Truth(columns["id"], columns["y"], {"side": columns["side"]})
    models = {
        Model.of(run): {
            0: Result(run, {}, {"test": np.stack([np.zeros(80), answers[run]], axis=1)})
        }
        for run in runs
    }
    policy = ml_collections.ConfigDict(
        {
            "name": "memory",
            "level": 0.95,
            "replicates": 200,
            "refuse": ("failed",),
            "conditions": conditions,
            "selection": {},
        }
    )
    return verdict.judge(
        Study(document, study.SPEC, {"test": truth}, models, planned=3),
        policy,
        policies.conditions(policy, study.SPEC),
        SUBJECT,
        [evaluation()],
    )


def evaluation():
    found = MetricsForSlice()
    item = found.metric_keys_and_values.add()
    item.key.name = "accuracy"
    item.key.model_name = study.CANDIDATE.directory
    item.value.double_value.value = TFMA_ACCURACY
    return found


def test_intervals_and_names():
    found = judge(
        {
            "accuracy": {"metric": "accuracy", "at_least": 0.7},
            "drop": {"metric": "accuracy", "against": TEACHER, "at_least": -0.2},
        }
    )
    assert [c["value"] for c in found["conditions"]] == pytest.approx(
        [66 / 80, -6 / 80]
    )
    assert [c["status"] for c in found["conditions"]] == ["passed", "passed"]
    names = ("run", "export_version", "export_digest", "split", "examples", "blessed")
    assert [found[name] for name in names] == [
        *("student-t04/seed0", 3, "d" * 64, "test", 80, True)
    ]


@pytest.mark.parametrize(("bound", "status"), [(0.49, "passed"), (0.51, "failed")])
def test_tfmas_value_is_that_of_the_metrics_given(bound, status):
    fields = {"metric": "accuracy", "at_least": bound, "decide_by": "value"}
    (condition,) = judge({"c": fields})["conditions"]
    assert (condition["status"], condition["decided_by"]) == (status, "TFMA")


def test_a_run_that_is_not_there_is_named():
    condition = {"metric": "accuracy", "against": NDS, "at_least": 0.0}
    with pytest.raises(ValueError, match=r"needs the predictions of student-nds/seed0"):
        judge({"c": condition}, [study.RUNS[0], study.CANDIDATE])
