"""pipelines.evaluate on studies of real exported models, through Beam and TFMA."""

import os
import pathlib
import shutil
import subprocess
import sys

import evaluation_study as study
import fairlearn.metrics
import numpy as np
import pytest
import scipy.special
import tensorflow_model_analysis as tfma
from sklearn import metrics as sklearn_metrics

from kd_keras import files
from pipelines.evaluation import comparisons, evaluate
from pipelines.studies import config as configs
from pipelines.studies import exports, sealed
from pipelines.studies.layout import Run, parse_directory, run_dir

TEACHER, STUDENT = Run("teacher", 1), Run("ds", 1, 4.0)
DPD, EOD = "demographic_parity_difference", "equalized_odds_difference"
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparisons, "SEEDS_IN_A_JOB", 1)
        evaluate.evaluate(workdir)
    return workdir, tiny_dataset, logits


def slices(workdir, run):
    """Slice -> metric -> value, as the Fairness Indicators plugin reads them."""
    result = tfma.load_eval_result(f"{run_dir(workdir, run)}/evaluation")
    return {key: metrics[""][""] for key, metrics in result.slicing_metrics}


def number(value):
    return float(value["doubleValue"])


def assert_counts_equal_the_keras_models(workdir, dataset, logits):
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


def test_counts_of_every_slice_equal_the_keras_models(several_classes):
    assert_counts_equal_the_keras_models(*several_classes)


def rows(spec, columns, key):
    """Which examples belong to a slice, bool `[examples]`."""
    names = spec.groups | {f"{spec.label}_name": spec.class_names}
    values = columns | {f"{spec.label}_name": columns[spec.label]}
    chosen = np.ones(len(columns["id"]), bool)
    for feature, value in key:
        chosen &= values[feature] == names[feature].index(value)
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


def test_slices_are_overall_groups_and_labels(several_classes):
    workdir, _, _ = several_classes
    found = set(slices(workdir, STUDENT))
    sides = {(("side", side),) for side in ("left", "right")}
    labels = {(("channel_name", name),) for name in ("red", "green", "blue")}
    assert found == {(), *sides, *labels}


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
    assert "all 6 evaluations are already there" in capsys.readouterr().out


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
    assert_counts_equal_the_keras_models(*several_classes)


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
    assert_counts_equal_the_keras_models(*several_classes)


@pytest.fixture(scope="module")
def binary(use_dataset):
    """An evaluated study of two classes: workdir, data set, and logits by run."""
    dataset = study.binary_dataset()
    workdir = use_dataset(dataset)
    logits = study.write_study(workdir, dataset, seeds=(0,))
    evaluate.evaluate(workdir)
    return workdir, dataset, logits


def test_binary_indicators_are_those_of_the_positive_class(binary):
    workdir, dataset, logits = binary
    columns = study.columns(dataset)
    run = Run("teacher", 0)
    scores = scipy.special.softmax(logits[run], axis=1)[:, 1]
    for key, metrics in slices(workdir, run).items():
        chosen = rows(dataset.spec, columns, key)
        for threshold in (0.1, 0.5, 0.9):
            name = f"{PREFIX}/positive_rate@{threshold}"
            expected = (scores[chosen] > threshold).mean()
            assert number(metrics[name]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("gap", [DPD, EOD])
@pytest.mark.parametrize("attribute", ["hair", "young"])
def test_gaps_equal_fairlearns(binary, gap, attribute):
    workdir, dataset, logits = binary
    columns = study.columns(dataset)
    for run, of_run in logits.items():
        found = number(slices(workdir, run)[()][f"{gap}/{attribute}"])
        expected = getattr(fairlearn.metrics, gap)(
            columns["smiling"],
            of_run.argmax(axis=1),
            sensitive_features=columns[attribute],
        )
        assert found == pytest.approx(expected, abs=1e-12)


def test_distilled_students_are_paired_with_teacher_and_nds(binary):
    workdir, dataset, logits = binary
    labels = study.columns(dataset)["smiling"]
    run = Run("ds", 0, 4.0)
    metrics = slices(workdir, run)[()]
    right = {r: of_run.argmax(axis=1) == labels for r, of_run in logits.items()}
    for other in (Run("teacher", 0), Run("nds", 0)):
        introduced = (right[other] & ~right[run]).mean()
        name = f"versus_{other.model}/introduced_errors"
        assert number(metrics[name]) == pytest.approx(introduced, abs=1e-12)


@pytest.fixture
def copy(several_classes, use_dataset, tmp_path):
    """A copy of the evaluated study to spoil."""
    workdir, _, _ = several_classes
    return shutil.copytree(workdir, tmp_path / "copy")


def test_nothing_visible_changes_when_an_export_is_corrupt(
    copy, several_classes, monkeypatch
):
    _, dataset, _ = several_classes
    monkeypatch.setattr(configs, "load_dataset", lambda config: dataset)
    version = pathlib.Path(exports.latest(str(copy / STUDENT.directory)))
    before = modified(str(copy))
    (version / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
    with (version / "saved_model.pb").open("ab") as graph:
        graph.write(b"\0\0")
    with pytest.raises(
        ValueError, match=r"student-t04/seed1/export/\d/.* not what was"
    ):
        evaluate.evaluate(str(copy))
    assert modified(str(copy)) == before


def test_a_missing_export(copy):
    shutil.rmtree(copy / STUDENT.directory / "export")
    with pytest.raises(ValueError, match=r"saved_model\.pb is missing"):
        evaluate.evaluate(str(copy))


def test_no_finished_run(copy):
    for path in copy.glob("*/*/run.json"):
        path.unlink()
    with pytest.raises(ValueError, match="has no finished run"):
        evaluate.evaluate(str(copy))


def test_an_unknown_split(copy, several_classes, monkeypatch):
    _, dataset, _ = several_classes
    monkeypatch.setattr(configs, "load_dataset", lambda config: dataset)
    path = str(copy / "config.json")
    config = sealed.read(path, "")
    config["config"]["evaluation"]["split"] = "tset"
    sealed.write(path, config)
    with pytest.raises(ValueError, match=r"must be one of .*test.*='tset'"):
        evaluate.evaluate(str(copy))


def test_beams_flags_reach_beam(copy, several_classes, monkeypatch):
    _, dataset, _ = several_classes
    monkeypatch.setattr(configs, "load_dataset", lambda config: dataset)
    shutil.rmtree(copy / STUDENT.directory / "evaluation")
    with pytest.raises(ValueError, match="NoSuchRunner"):
        evaluate.evaluate(str(copy), beam_args=["--runner=NoSuchRunner"])


def test_the_main_answers_bad_input_with_one_line(tmp_path):
    command = [sys.executable, "-m", "pipelines.evaluate", f"--workdir={tmp_path}"]
    done = subprocess.run(
        [*command, "--runner=FnApiRunner"], capture_output=True, text=True
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "has no config.json" in line
    assert "Traceback" not in done.stderr
