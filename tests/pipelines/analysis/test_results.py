"""What a study's files hold, and what is counted of them once."""

import dataclasses

import numpy as np
import pytest
from memory_study import PEOPLE, people, study, truth
from report_workdir import (
    PAIRS,
    pairs_predictions,
    write_pairs,
    write_predictions,
)

from kd_keras import files
from kd_keras.fairness import GroupCounts, PairedCounts
from pipelines.analysis.results import (
    Model,
    Result,
    read_study,
    with_mended,
    with_result,
)
from pipelines.studies import sealed
from pipelines.studies.layout import DS, NDS, TEACHER, Run, run_dir

TEACHER_MODEL, NDS_MODEL = Model.named(TEACHER), Model.named(NDS)
T4, T10 = Model.named(DS, 4.0), Model.named(DS, 10.0)


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 3), planned=12)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


def test_models_are_in_the_order_of_the_tables():
    models = [TEACHER_MODEL, NDS_MODEL, T4, T10]
    assert sorted([T10, NDS_MODEL, T4, TEACHER_MODEL]) == models
    assert NDS_MODEL.order > TEACHER_MODEL.order
    assert T4.order > NDS_MODEL.order
    assert [m.name for m in (TEACHER_MODEL, NDS_MODEL, T4)] == [TEACHER, NDS, DS]
    assert [m.title for m in (TEACHER_MODEL, NDS_MODEL, T4, Model(2, 2.5))] == [
        *("teacher", "nds", "T=4", "T=2.5")
    ]
    assert [m.slug for m in (TEACHER_MODEL, NDS_MODEL, T4)] == ["teacher", "nds", "t04"]
    assert Model.of(Run(DS, 7, 10.0)) == T10 == Model.named(DS, 10.0)


def test_the_models_of_a_study(several):
    assert several.teacher == TEACHER_MODEL
    assert several.nds == NDS_MODEL
    assert several.temperatures == [1.0, 4.0, 10.0]
    assert several.distilled == [Model.named(DS, t) for t in (1.0, 4.0, 10.0)]
    assert several.students == [NDS_MODEL, *several.distilled]
    assert [(Model.of(r.run), r.run.seed) for r in several.results] == [
        (model, seed) for model in several.models for seed in (0, 3)
    ]
    alone = people(seeds=(0,), temperatures=())
    assert alone.distilled == alone.temperatures == []
    assert alone.students == [NDS_MODEL]


def test_pairs_are_of_the_seeds_that_both_have(several):
    found = several.pairs(TEACHER_MODEL, T4)
    assert [(a.run, b.run) for a, b in found] == [
        (Run(TEACHER, seed), Run(DS, seed, 4.0)) for seed in (0, 3)
    ]
    fewer = people(seeds=(0, 3))
    del fewer.models[T4][0]
    assert [b.run.seed for _, b in fewer.pairs(TEACHER_MODEL, T4)] == [3]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_counts_are_those_of_the_named_groups_and_made_once(several, split):
    teacher, student = several.pairs(TEACHER_MODEL, T4)[1]
    found = several.truth[split]
    groups = {
        name: [None if g < 0 else PEOPLE.groups[name][g] for g in codes]
        for name, codes in found.groups.items()
    }
    counts = several.counts(student, split)
    predicted = student.logits[split].argmax(axis=1)
    assert counts == GroupCounts.from_predictions(
        found.labels, predicted, groups=groups, num_classes=2
    )
    assert several.counts(student, split) is counts
    pair = several.pair(teacher, student, split)
    assert pair == PairedCounts.from_predictions(
        found.labels,
        teacher.logits[split].argmax(axis=1),
        predicted,
        groups=groups,
        num_classes=2,
    )
    assert several.pair(teacher, student, split) is pair
    other = several.pair(student, teacher, split)
    assert (other.a, other.b) == (pair.b, pair.a)


def test_a_study_is_read_from_its_directory(pairs):
    found = read_study(pairs, PAIRS)
    assert list(found.models) == [TEACHER_MODEL, NDS_MODEL, T4]
    assert [list(seeds) for seeds in found.models.values()] == 3 * [[0, 1]]
    assert (found.planned, found.split) == (6, "test")
    assert found.config["seeds"] == [0, 1]
    assert found.document["git_revision"] == "0" * 40
    assert list(found.truth) == ["validation", "test"]
    assert found.truth["test"].labels.tolist() == [1, 1, 0, 0, 1, 1, 0, 0]
    nds = found.models[NDS_MODEL][0]
    assert nds.predicted("test").tolist() == [1, 1, 1, 0, 1, 0, 0, 0]
    assert nds.info["parameters"] == 61706
    assert repr(found).count("_counts") == repr(found).count("_pairs") == 0


def test_a_study_is_read_with_the_runs_that_are_complete(tmp_path):
    workdir = write_pairs(tmp_path)
    for run in (Run(TEACHER, 0), Run(TEACHER, 1), Run(DS, 0, 4.0)):
        files.gfile.remove(files.join(run_dir(workdir, run), "run.json"))
    found = read_study(workdir, PAIRS)
    assert [list(seeds) for seeds in found.models.values()] == [[0, 1], [1]]
    assert (found.teacher, found.planned) == (None, 6)


def test_a_split_without_predictions_is_left_out(tmp_path):
    workdir = write_pairs(tmp_path)
    for run in [Run(m, s) for m in (TEACHER, NDS) for s in (0, 1)]:
        files.gfile.remove(run_dir(workdir, run) + "/predictions/validation.npz")
        _again(workdir, run)
    for seed in (0, 1):
        files.remove_tree(run_dir(workdir, Run(DS, seed, 4.0)))
    found = read_study(workdir, PAIRS)
    assert list(found.truth) == ["test"]
    assert list(found.results[0].logits) == ["test"]


def _again(workdir, run):
    """Records a run with the files that it has now."""
    with np.load(run_dir(workdir, run) + "/predictions/test.npz") as arrays:
        write_predictions(workdir, run, "test", dict(arrays))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_logits_that_are_nan_are_named(tmp_path, split):
    workdir = write_pairs(tmp_path)
    with np.load(f"{workdir}/student-t04/seed1/predictions/{split}.npz") as arrays:
        arrays = dict(arrays)
    arrays["logits"][3, 1] = np.nan
    write_predictions(workdir, Run(DS, 1, 4.0), split, arrays)
    with pytest.raises(ValueError, match=rf"student-t04/seed1/.*{split}\.npz .* NaN"):
        read_study(workdir, PAIRS)


@pytest.mark.parametrize(
    ("array", "what"),
    [("id", "examples"), ("label", "labels"), ("group_side", "groups of side")],
)
def test_runs_are_of_the_same_examples(tmp_path, array, what):
    workdir = write_pairs(tmp_path)
    arrays = pairs_predictions("11001101")
    arrays[array] = np.roll(arrays[array], 1)
    write_predictions(workdir, Run(DS, 1, 4.0), "test", arrays)
    message = rf"seed1/predictions/test\.npz is not about the same {what} as"
    with pytest.raises(ValueError, match=message):
        read_study(workdir, PAIRS)


@pytest.mark.parametrize(
    ("taught_by", "refused"), [("of seed 0", True), ("of seed 1", False)]
)
def test_a_student_is_of_the_teacher_of_its_seed(tmp_path, taught_by, refused):
    workdir = write_pairs(tmp_path)
    weights = {"0": "of seed 0", "1": "of seed 1"}
    for seed in (0, 1):
        _record(workdir, Run(TEACHER, seed), weights=weights[str(seed)])
        _record(workdir, Run(NDS, seed), weights=f"another {seed}")
    _record(workdir, Run(DS, 1, 4.0), teacher=taught_by, weights="its own")
    if refused:
        message = (
            r"student-t04/seed1 was distilled from other weights than those of "
            r"teacher/seed1\."
        )
        with pytest.raises(ValueError, match=message):
            read_study(workdir, PAIRS)
        files.remove_tree(run_dir(workdir, Run(TEACHER, 1)))
    # Without its teacher there is nothing to compare with.
    assert read_study(workdir, PAIRS).models[T4].keys() == {0, 1}


def _record(workdir, run, **fields):
    path = files.join(run_dir(workdir, run), "run.json")
    sealed.write(path, {**sealed.read(path, ""), **fields})


def test_no_complete_run_is_refused(tmp_path):
    workdir = write_pairs(tmp_path)
    for path in files.gfile.glob(f"{workdir}/*/seed*/run.json"):
        files.gfile.remove(path)
    with pytest.raises(ValueError, match="No complete run in"):
        read_study(workdir, PAIRS)


def test_students_of_methods_and_mended_ones_have_names_of_their_own():
    balanced = Model.named(DS, 4.0, "balanced")
    models = [Model(2, 4.0, mended=True), balanced, Model(2, 4.0, "balanced", True)]
    assert [m.title for m in models] == [
        *("T=4 mended", "T=4 balanced", "T=4 balanced mended")
    ]
    assert models[0].slug == "t04_mended"
    slugs = {m.slug for m in [T4, *models]}
    assert len(slugs) == 4
    assert Model.of(Run(DS, 0, 4.0, "balanced")) == balanced
    assert Model.of(Run(DS, 0, 4.0, mended=True)) == models[0]


def test_plain_students_stand_before_those_of_methods():
    a, b, mended = Model(2, 1.0, "a"), Model(2, 1.0, "b"), Model(2, 4.0, mended=True)
    in_order = [TEACHER_MODEL, NDS_MODEL, T4, mended, T10, b, a]
    turned = [*reversed(in_order)]
    for methods in (["b", "plain", "a"], ["b", "a"]):
        assert sorted(turned, key=lambda m: m.place(methods)) == in_order


def test_the_curve_is_of_the_first_method():
    answers = {"test": [0, 1]}
    truths = {"test": truth([0, 1], {"side": [0, 1], "age": [0, 1]})}
    runs = [Run(DS, 0, t, m) for m in ("b", "a") for t in (1.0, 4.0)]
    found = study(PEOPLE, truths, dict.fromkeys(runs, answers))
    assert found.methods == ["b", "a"]
    assert found.curve == [Model(2, 1.0, "b"), Model(2, 4.0, "b")]
    assert found.temperatures == [1.0, 4.0]
    assert (found.teacher, found.nds) == (None, None)


def test_counts_are_of_the_truth_that_a_study_has(several):
    (result, *_), of_test = several.results, several.truth["test"]
    counts = several.counts(result, "test")
    turned = of_test._replace(labels=1 - of_test.labels)
    other = dataclasses.replace(several, truth={"test": turned})
    assert other.counts(result, "test") != counts
    pair = several.pair(result, result, "test")
    assert other.pair(result, result, "test") != pair


def test_what_was_counted_and_read_is_no_part_of_a_study(several):
    again = dataclasses.replace(several, damaged={"fog": [several]})
    several.counts(several.results[0], "test")
    several.pair(*several.results[:2], "test")
    assert again == several
    assert "damaged" not in repr(again)


def test_a_result_more_stands_beside_the_others(several):
    mended = Result(Run(DS, 3, 4.0, mended=True), {}, several.results[-1].logits)
    more = with_result(several, mended)
    assert list(more.models) == [*several.models, Model(2, 4.0, mended=True)]
    assert more.models[Model(2, 4.0, mended=True)] == {3: mended}
    other = Result(Run(DS, 3, 4.0), {}, several.results[-1].logits)
    instead = with_result(several, other).models[T4]
    assert (list(instead), instead[3]) == ([0, 3], other)
    assert instead[0] is several.models[T4][0]
    assert several.models[T4][3] is not other


@pytest.mark.parametrize("directory", ["", "elsewhere", "student-t04/seed0/"])
def test_what_is_not_mended_adds_nothing(several, directory):
    assert with_mended("nowhere", several, directory) is several
