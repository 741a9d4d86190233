"""Students that are trained as one program leave what students alone leave."""

import csv
import io
import itertools
import shutil

import numpy as np
import pytest
import tensorflow as tf

from configs.small import adult
from kd_keras import files
from kd_keras.datasets import Dataset, DatasetSpec
from pipelines.studies import config as configs
from pipelines.studies import layout, runs, stacks
from pipelines.studies.layout import Run
from pipelines.studies.publisher import Publisher
from pipelines.studies.traced import TracedStep

FEATURES = {
    "age": tf.TensorSpec((), tf.float32),
    "job": tf.TensorSpec((), tf.string),
}
SPEC = DatasetSpec(
    "people", FEATURES, "label", ("no", "yes"), {"sex": ("a", "b")}, example_id="id"
)
SEEDS, TEMPERATURES = (0, 1), (1.0, 10.0)
TEACHERS = [Run("teacher", seed) for seed in SEEDS]
STUDENTS = [Run("nds", seed) for seed in SEEDS] + [
    Run("ds", seed, t) for t, seed in itertools.product(TEMPERATURES, SEEDS)
]


def _split(size, seed):
    draw = np.random.default_rng(seed)
    columns = {
        "age": draw.normal(40, 10, size).astype(np.float32),
        "job": draw.choice(["cook", "clerk", "nurse"], size),
        "sex": draw.integers(0, 2, size),
        "id": np.array([f"{seed}-{i}" for i in range(size)]),
    }
    columns["label"] = (columns["age"] > 40).astype(np.int64)
    return tf.data.Dataset.from_tensor_slices(columns)


@pytest.fixture(scope="module")
def dataset():
    sizes = {"train": 90, "validation": 50, "test": 60}
    return Dataset(SPEC, {s: _split(n, i) for i, (s, n) in enumerate(sizes.items())})


def _config(**fields):
    config = adult.get_config()
    config.seeds, config.temperatures, config.attributes = SEEDS, TEMPERATURES, ("sex",)
    config.teacher.epochs, config.student.epochs = 1, 2
    config.teacher.batch_size = config.student.batch_size = 32
    config.teacher.model_options = {"hidden_units": (8,)}
    config.student.optimizer_options = {"beta_2": 0.9}
    with config.unlocked():
        config.update(fields)
    return config


@pytest.fixture(scope="module")
def made(dataset, tmp_path_factory):
    """A working directory whose students were trained alone, another one together."""
    root, config = tmp_path_factory.mktemp("made"), _config()
    alone, together = str(root / "alone"), str(root / "together")
    configs.prepare_workdir(alone, config)
    _train(config, dataset, alone, TEACHERS)
    shutil.copytree(alone, together)
    found = _train(config, dataset, alone, STUDENTS)
    records = {run: [record] for run, record in found.items()}
    for members in stacks.plan(config, together, STUDENTS, 8):
        for run, record in stacks.train_stack(config, dataset, together, members):
            records[run].append(record)
    return alone, together, records


def _train(config, dataset, workdir, wanted):
    """One run after the other, as a study without stacks does."""
    traced, publisher = TracedStep(), Publisher(config, dataset)
    return {
        run: runs.train_run(
            config, dataset, workdir, run, traced=traced, publisher=publisher
        )
        for run in wanted
    }


def _history(workdir, run):
    text = files.read_text(f"{layout.run_dir(workdir, run)}/history.csv")
    return [
        {name: float(value) for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(text))
    ]


@pytest.mark.parametrize("run", STUDENTS, ids=lambda run: run.directory)
def test_a_member_is_the_run_alone(made, run):
    alone, together, records = made
    for split in ("validation", "test"):
        one, other = (
            np.load(f"{layout.run_dir(workdir, run)}/predictions/{split}.npz")
            for workdir in (alone, together)
        )
        np.testing.assert_array_equal(one["id"], other["id"])
        np.testing.assert_allclose(one["logits"], other["logits"], rtol=0, atol=1e-5)
    for one, other in zip(_history(alone, run), _history(together, run), strict=True):
        assert other == pytest.approx(one, abs=1e-5, nan_ok=True)
    one, other = records[run]
    assert other.pop("stacked") == (2 if run.model == "nds" else 4)
    for name in ("seconds", "weights", "files", "export_digest"):
        one.pop(name)
        other.pop(name)
    # Its weights differ in the last bits, so its logits may too.
    assert other.pop("val_accuracy") == pytest.approx(one.pop("val_accuracy"))
    assert other == one
    names = [files.gfile.listdir(layout.run_dir(w, run)) for w in (alone, together)]
    assert sorted(names[0]) == sorted(names[1])


def test_nothing_is_left_beside_the_runs(made):
    assert not files.glob(made[1], "stacks/*/*")
    assert not files.glob(made[1], "*/*.partial")


def test_a_killed_stack_goes_on_with_its_members(dataset, made, tmp_path):
    workdir, config = str(tmp_path), _config()
    tf.io.gfile.copy(f"{made[1]}/config.json", f"{workdir}/config.json")
    members, seen = STUDENTS[:2], []

    def killed(epoch, history):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(stacks.train_stack(config, dataset, workdir, members, killed))
    # A third seed does not join what was begun.
    others = [Run("nds", 2), Run("nds", 3)]
    plan = stacks.plan(config, workdir, [*members, *others], 8)
    assert plan == [members, others]
    # One of them alone goes on as well.
    (rest,) = stacks.plan(config, workdir, members[1:], 8)
    for run, _ in stacks.train_stack(
        config, dataset, workdir, rest, lambda epoch, history: seen.append(epoch)
    ):
        assert run == members[1]
    assert seen == [1]
    expected = _history(made[1], members[1])
    for one, other in zip(_history(workdir, members[1]), expected, strict=True):
        assert one == pytest.approx(other, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        ({"teacher_cache": ""}, "the teacher runs in every step"),
        ({"strategy": "mirrored"}, "strategy='mirrored' has replicas"),
        ({"hints": {"h": {}}}, "hints read the teacher in every step"),
    ],
)
def test_why_students_are_trained_one_by_one(dataset, fields, why):
    assert stacks.why_single(_config(**fields), dataset) == why


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("model", "resnet20", "the steps of resnet20 are not faster together"),
        ("optimizer_options", {"clipnorm": 1.0}, "the optimizer's clipnorm"),
        ("optimizer_options", {"use_ema": True}, "the optimizer's use_ema"),
    ],
)
def test_recipes_that_are_trained_one_by_one(dataset, field, value, why):
    config = _config()
    config.student[field] = value
    assert why in stacks.why_single(config, dataset)


def _killed(epoch, history):
    raise InterruptedError


def test_a_backup_of_another_teacher_is_not_gone_on_with(dataset, made, tmp_path):
    workdir, seen = str(tmp_path / "study"), []
    members = [run for run in STUDENTS if run.model == "ds"][:2]
    shutil.copytree(made[0], workdir, ignore=shutil.ignore_patterns("student-*"))
    config = _config()
    with pytest.raises(InterruptedError):
        list(stacks.train_stack(config, dataset, workdir, members, _killed))
    other = _config()
    other.teacher.learning_rate = 0.1
    files.remove_tree(f"{workdir}/teacher")
    _train(other, dataset, workdir, TEACHERS)
    list(
        stacks.train_stack(
            other, dataset, workdir, members, lambda epoch, _: seen.append(epoch)
        )
    )
    assert seen == [0, 1]


def test_a_broken_backup_is_named(dataset, tmp_path):
    workdir, config = str(tmp_path), _config()
    configs.prepare_workdir(workdir, config)
    with pytest.raises(InterruptedError):
        list(stacks.train_stack(config, dataset, workdir, STUDENTS[:2], _killed))
    (path,) = files.glob(workdir, "stacks/*/backup.npz")
    files.write_bytes(path, b"PK")
    with pytest.raises(ValueError, match=r"backup .* cannot be used: .*Delete it"):
        stacks.plan(config, workdir, STUDENTS, 8)


def test_methods_that_read_a_teacher_are_in_no_stack(tmp_path):
    config = _config(methods=("plain", "ada_alpha", "balanced"))
    missing = [
        Run("ds", seed, 4.0, method) for method in config.methods for seed in SEEDS
    ]
    plan = stacks.plan(config, str(tmp_path), missing, 8)
    assert [[run.method for run in part] for part in plan] == [
        ["plain", "plain"],
        ["balanced", "balanced"],
    ]
    # A run that nobody is like is none either, and a stack has so many members at most.
    assert stacks.plan(config, str(tmp_path), missing[:1], 8) == []
    more = [Run("nds", seed) for seed in range(5)]
    assert [len(p) for p in stacks.plan(config, str(tmp_path), more, 2)] == [2, 2]
