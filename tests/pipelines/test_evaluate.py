"""pipelines.evaluate on studies of real exported models, through Beam and TFMA."""

import os

import evaluation_study as study
import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from sklearn import metrics as sklearn_metrics

from kd_keras import files
from pipelines import config as configs
from pipelines import evaluate
from pipelines.workdir import Run, parse_directory, run_dir

TEACHER, STUDENT = Run("teacher", 1), Run("ds", 1, 4.0)
PREFIX = "fairness_indicators_metrics"


@pytest.fixture(scope="module")
def use_dataset(tmp_path_factory):
    """Makes a workdir whose config loads `dataset`."""
    patch = pytest.MonkeyPatch()

    def use(dataset):
        patch.setattr(configs, "load_dataset", lambda config: dataset)
        return str(tmp_path_factory.mktemp(dataset.spec.name))

    yield use
    patch.undo()


@pytest.fixture(scope="module")
def several_classes(use_dataset, tiny_dataset):
    """An evaluated study: workdir, data set, and logits by run."""
    workdir = use_dataset(tiny_dataset)
    logits = study.write_study(workdir, tiny_dataset)
    evaluate.evaluate(workdir)
    return workdir, tiny_dataset, logits


def slices(workdir, run):
    """Slice -> metric -> value, as the Fairness Indicators plugin reads them."""
    result = tfma.load_eval_result(f"{run_dir(workdir, run)}/evaluation")
    return {key: metrics[""][""] for key, metrics in result.slicing_metrics}


def number(value):
    return float(value["doubleValue"])


def test_counts_of_every_slice_equal_the_keras_models(several_classes):
    workdir, dataset, logits = several_classes
    columns = study.columns(dataset)
    for run, of_run in logits.items():
        for key, metrics in slices(workdir, run).items():
            chosen = rows(dataset.spec, columns, key)
            expected = sklearn_metrics.confusion_matrix(
                columns["channel"][chosen],
                of_run.argmax(axis=1)[chosen],
                labels=range(3),
            )
            np.testing.assert_array_equal(confusion_matrix(metrics, 3), expected)
            assert number(metrics["example_count"]) == chosen.sum()
            assert number(metrics["accuracy"]) == pytest.approx(
                np.trace(expected) / expected.sum(), abs=1e-12
            )


def rows(spec, columns, key):
    """Which examples belong to a slice, bool `[examples]`."""
    chosen = np.ones(len(columns["id"]), bool)
    for feature, value in key:
        if feature == "channel_name":
            chosen &= columns["channel"] == spec.class_names.index(value)
        else:
            chosen &= columns[feature] == spec.groups[feature].index(value)
    return chosen


def confusion_matrix(metrics, classes):
    found = np.zeros((classes, classes))
    (matrix,) = metrics["multi_class_confusion_matrix_at_thresholds"][
        "multiClassConfusionMatrixAtThresholds"
    ]["matrices"]
    for entry in matrix["entries"]:
        label = entry.get("actualClassId", 0)
        found[label, entry.get("predictedClassId", 0)] = entry["numWeightedExamples"]
    return found


def test_slices_are_overall_groups_labels_and_their_pairs(several_classes):
    workdir, _, _ = several_classes
    found = set(slices(workdir, STUDENT))
    sides = {(("side", side),) for side in ("left", "right")}
    labels = {(("channel_name", name),) for name in ("red", "green", "blue")}
    crossed = {label + side for label in labels for side in sides}
    assert found == {(), *sides, *labels, *crossed}


def test_the_seeds_teacher_is_the_baseline(several_classes):
    workdir, _, _ = several_classes
    teacher, student = slices(workdir, TEACHER), slices(workdir, STUDENT)
    assert not [name for name in teacher[()] if name.endswith("_diff")]
    for key, metrics in student.items():
        assert number(metrics["accuracy_diff"]) == pytest.approx(
            number(metrics["accuracy"]) - number(teacher[key]["accuracy"]), abs=1e-12
        )


def test_indicators_of_several_classes_carry_the_class_name(several_classes):
    workdir, dataset, logits = several_classes
    columns = study.columns(dataset)
    left = columns["side"] == 0
    metrics = slices(workdir, STUDENT)[(("side", "left"),)]
    predicted = logits[STUDENT].argmax(axis=1)[left]
    name = f"{PREFIX}/green/true_positive_rate@argmax"
    assert number(metrics[name]) == pytest.approx(
        sklearn_metrics.recall_score(
            columns["channel"][left], predicted, labels=[1], average="macro"
        ),
        abs=1e-12,
    )


def test_a_second_call_makes_nothing_again(several_classes, capsys):
    workdir, _, _ = several_classes
    before = modified(workdir)
    evaluate.evaluate(workdir)
    assert modified(workdir) == before
    assert "all 6 evaluations are there already" in capsys.readouterr().out


def test_only_what_changed_is_evaluated_again(several_classes, capsys):
    workdir, dataset, logits = several_classes
    before = modified(workdir)
    logits[STUDENT] = study.write_run(workdir, dataset, STUDENT, seed=99)
    evaluate.evaluate(workdir)
    changed = {
        os.path.relpath(path, workdir).split("/evaluation")[0]
        for path, time in modified(workdir).items()
        if before.get(path) != time
    }
    assert changed == {STUDENT.directory}
    assert "evaluate 1 of 6 runs" in capsys.readouterr().out
    test_counts_of_every_slice_equal_the_keras_models(several_classes)


def modified(workdir):
    paths = files.gfile.glob(f"{workdir}/*/*/evaluation/*")
    assert paths
    return {path: os.stat(path).st_mtime_ns for path in paths}


def test_a_new_teacher_makes_its_seeds_students_be_evaluated_again(several_classes):
    workdir, dataset, logits = several_classes
    before = modified(workdir)
    logits[TEACHER] = study.write_run(workdir, dataset, TEACHER, seed=98)
    evaluate.evaluate(workdir)
    changed = {
        parse_directory("/".join(os.path.relpath(path, workdir).split("/")[:2])).seed
        for path, time in modified(workdir).items()
        if before[path] != time
    }
    assert changed == {TEACHER.seed}
    test_the_seeds_teacher_is_the_baseline(several_classes)


def test_binary_indicators_are_those_of_the_positive_class(use_dataset):
    dataset = study.binary_dataset()
    workdir = use_dataset(dataset)
    run = Run("teacher", 0)
    logits = study.write_study(workdir, dataset)[run]
    evaluate.evaluate(workdir)
    columns = study.columns(dataset)
    # In float32, as the exported model computes them.
    positive = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))[:, 1]
    for key, metrics in slices(workdir, run).items():
        chosen = rows_binary(dataset.spec, columns, key)
        for threshold in (0.1, 0.5, 0.9):
            selected = positive[chosen] > threshold
            assert number(
                metrics[f"{PREFIX}/positive_rate@{threshold}"]
            ) == pytest.approx(selected.mean(), abs=1e-12)


def rows_binary(spec, columns, key):
    chosen = np.ones(len(columns["id"]), bool)
    for feature, value in key:
        if feature == "smiling_name":
            chosen &= columns["smiling"] == spec.class_names.index(value)
        else:
            chosen &= columns[feature] == spec.groups[feature].index(value)
    return chosen
