"""Methods that mend while training, as fields of a study's config."""

import keras
import ml_collections
import numpy as np
import pytest
import report_workdir
import tensorflow as tf

from configs import demo
from kd_keras import datasets, files, models
from kd_keras.datasets.batches import WEIGHT, training_batches
from kd_keras.mitigation import BalancedSoftmax, FairFeatures, GroupDRO, MinDiff
from pipelines.analysis.results import read_study
from pipelines.studies import config as configs
from pipelines.studies import (
    config_checks,
    layout,
    mending,
    methods,
    run_record,
    runs,
    tasks,
)
from pipelines.studies.layout import DS, TEACHER, Run, parse_directory

# The teacher is a constant: class 0 always.
ALWAYS_0 = keras.Sequential(
    [
        keras.Input((12, 12, 3)),
        keras.layers.Flatten(),
        keras.layers.Dense(3, kernel_initializer="zeros", bias_initializer="zeros"),
    ]
)


def _linear(input_shape, num_classes):
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.AveragePooling2D(12),
            keras.layers.Flatten(name="features"),
            keras.layers.Dense(num_classes),
        ]
    )


@pytest.fixture
def config(monkeypatch):
    monkeypatch.setitem(models.MODELS, "linear", _linear)
    config = demo.get_config()
    config.attributes = ("side",)
    for recipe in (config.teacher, config.student):
        recipe.model, recipe.epochs, recipe.batch_size = "linear", 1, 16
    return config


def given(config, dataset):
    return mending.Given(config, dataset, lambda: ALWAYS_0)


def columns(examples, *keys):
    rows = list(examples.as_numpy_iterator())
    return [np.array([row[key] for row in rows]) for key in keys]


def test_counts_are_of_groups_and_classes(config, tiny_dataset):
    labels, sides = columns(tiny_dataset.splits["train"], "channel", "side")
    counts = given(config, tiny_dataset).counts("side")
    for row, side in enumerate((0, 1, -1)):
        expected = [np.sum((sides == side) & (labels == c)) for c in range(3)]
        np.testing.assert_array_equal(counts[row], expected)
    np.testing.assert_array_equal(
        given(config, tiny_dataset).class_counts(), np.bincount(labels)
    )


def test_balanced_examples_weigh_alike_by_group_and_class(config, tiny_dataset):
    made = methods.changes(given(config, tiny_dataset), "balanced")
    train = methods.applied(tiny_dataset, made).splits["train"]
    labels, sides, weights = columns(train, "channel", "side", WEIGHT)
    assert weights.mean() == pytest.approx(1)
    cells = [
        weights[(labels == c) & (sides == s)].sum()
        for c in range(3)
        for s in (0, 1, -1)
    ]
    np.testing.assert_allclose(cells, 10, rtol=1e-6)  # 90 examples in nine cells.
    # Validation stays as it is.
    assert (
        WEIGHT
        not in methods.applied(tiny_dataset, made).splits["validation"].element_spec
    )


def test_weights_of_the_data_set_are_multiplied(config, tiny_dataset):
    made = methods.changes(given(config, tiny_dataset), "reweighed")
    doubled = tiny_dataset.splits["train"].map(lambda e: {**e, WEIGHT: 2.0})
    splits = {**tiny_dataset.splits, "train": doubled}
    once = methods.applied(tiny_dataset, made).splits["train"]
    twice = methods.applied(datasets.Dataset(tiny_dataset.spec, splits), made).splits[
        "train"
    ]
    np.testing.assert_allclose(columns(twice, WEIGHT)[0], 2 * columns(once, WEIGHT)[0])


def test_batches_bring_the_group_beside_labels_and_logits(config, tiny_dataset):
    made = methods.changes(given(config, tiny_dataset), "group_dro")
    splits = dict(tiny_dataset.splits)
    splits["train"] = splits["train"].map(
        lambda e: {**e, "channel": {"labels": e["channel"], "teacher_logits": [0.0]}}
    )
    for dataset, keys in (
        (tiny_dataset, {"labels", "groups"}),
        (
            datasets.Dataset(tiny_dataset.spec, splits),
            {"labels", "teacher_logits", "groups"},
        ),
    ):
        batches = training_batches(
            methods.applied(dataset, made).splits["train"],
            dataset.spec,
            batch_size=90,
            seed=0,
            epoch=tf.Variable(0, dtype=tf.int64),
            shuffle_buffer=1,
        )
        ((_, y),) = batches
        assert set(y) == keys
        sides = columns(tiny_dataset.splits["train"], "side")[0]
        # The unknown group is a group of its own here.
        np.testing.assert_array_equal(y["groups"], np.where(sides < 0, 2, sides))


def test_what_the_methods_give_the_distiller(config, tiny_dataset):
    config = config.copy_and_resolve_references()
    config.alpha = 0.3
    config.method_options = {
        "group_dro": {"eta": 0.5},
        "by_side": {"method": "group_dro", "by_class": False, "adjustment": 1.0},
        "min_diff": {"on": "all", "weight": 2.0},
        "mfd": {"teacher_layer": "features", "student_layer": "features"},
    }
    config.methods = tuple(config.method_options)

    def made(name):
        return methods.changes(given(config, tiny_dataset), name)

    dro, by_side = (made(n).distiller["soft_loss"] for n in ("group_dro", "by_side"))
    assert isinstance(dro, GroupDRO)
    assert (dro.groups, dro.classes, dro.eta, dro.alpha) == (3, 3, 0.5, 0.3)
    assert made("group_dro").distiller["alpha"] == 1
    assert (by_side.groups, by_side.classes, sum(by_side.counts)) == (3, None, 90)
    (part,) = made("min_diff").distiller["parts"]
    assert isinstance(part, MinDiff)
    assert (part.groups, part.on, part.weight) == (2, "all", 2.0)
    (hint,) = made("mfd").distiller["hints"]
    assert isinstance(hint, FairFeatures)
    assert (hint.groups, hint.classes, hint.weight) == (2, 3, 3.0)
    # The teacher says 0 always.
    assert made("ada_alpha").distiller["soft_loss"].alpha == [1.0, 0.0, 0.0]
    labels = columns(tiny_dataset.splits["train"], "channel")[0]
    counts = np.bincount(labels).tolist()
    assert isinstance(made("balanced_softmax").loss, BalancedSoftmax)
    assert made("balanced_softmax").loss.counts == counts
    assert made("balanced_kd").distiller["soft_loss"].counts == counts
    assert made("plain") == mending.NOTHING


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"methods": ()}, "methods must be at least one name"),
        ({"methods": ("plain", "plain")}, "distinct"),
        ({"methods": "plain"}, "methods must be a tuple"),
        ({"methods": ("Plain",)}, "names of small letters"),
        ({"methods": ("ballanced",)}, "one of .*Did you mean 'balanced'"),
        (
            {"methods": ("a",), "method_options": {"a": {"method": "b"}}},
            r"method_options\.a\.method must be one of",
        ),
        (
            {"methods": ("mfd",), "teacher_cache": "float32"},
            "teacher_cache must be '' where the method mfd",
        ),
    ],
)
def test_methods_that_are_not_allowed(config, fields, message):
    config = ml_collections.ConfigDict({**config.to_dict(), **fields})
    with pytest.raises(ValueError, match=message):
        config_checks.validate(config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group_dro": {"etta": 1.0}}, r"Received: \['etta'\]. Unknown: \['etta'\]"),
        ({"mfd": {"teacher_layer": "a"}}, r"Missing: \['student_layer'\]"),
    ],
)
def test_options_that_a_method_has_not(config, options, message):
    config.methods, config.method_options = tuple(options), options
    with pytest.raises(ValueError, match=message):
        methods.require_usable(config)


def test_a_method_without_an_attribute_is_refused(config, tiny_dataset):
    config.method_options = {"balanced": {"attribute": "sex"}}
    with pytest.raises(ValueError, match=r"method_options\.balanced: .*'sex'.*'side'"):
        methods.changes(given(config, tiny_dataset), "balanced")


def test_directories_name_the_method():
    mended = Run(DS, 3, 4.0, "group_dro")
    assert mended.directory == "student-t04-group_dro/seed3"
    assert mended.title == "student T=4 group_dro seed 3"
    assert parse_directory(mended.directory) == mended
    assert parse_directory("student-t00.5-a/seed0") == Run(DS, 0, 0.5, "a")
    for other in ("student-nds-a/seed0", "teacher-a/seed0", "student-t04-/seed0"):
        assert parse_directory(other) is None


def test_a_run_of_a_method(config, tiny_dataset, tmp_path):
    config.seeds, config.temperatures = (0,), (4.0,)
    config.methods = ("plain", "group_dro")
    config.method_options = {"group_dro": {"eta": 0.5}}
    workdir = str(tmp_path)
    configs.prepare_workdir(workdir, config)
    teacher, _, plain, mended = layout.runs_of(config)
    assert (plain.name, mended.name) == ("student-t04", "student-t04-group_dro")
    runs.train_run(config, tiny_dataset, workdir, teacher)
    record = runs.train_run(config, tiny_dataset, workdir, mended)
    options = {"method": "group_dro", "eta": 0.5}
    assert (record["method"], record["method_options"]) == ("group_dro", options)
    card = files.read_json(str(next(tmp_path.glob("student*/**/model_card.json"))))
    assert card["distillation"]["method"] == "group_dro"
    # Other options make another run, and leave those of other methods as they are.
    config.method_options.group_dro.eta = 0.1
    configs.prepare_workdir(workdir, config)
    run_record.read(workdir, teacher, config)
    with pytest.raises(ValueError, match=r"group_dro made with .*'eta': 0\.5.* 0\.1"):
        run_record.read(workdir, mended, config)


def test_the_tables_have_the_order_of_the_config(tmp_path):
    seeds, temperatures = (0,), (1.0, 4.0)
    methods_ = ("min_diff", "plain", "balanced")
    report_workdir.write_workdir(
        *(tmp_path, report_workdir.PAIRS),
        seeds=seeds,
        temperatures=temperatures,
        methods=methods_,
        examples=40,
    )
    study = read_study(str(tmp_path), report_workdir.PAIRS)
    assert [m.title for m in study.models] == [
        *("teacher", "nds", "T=1", "T=4", "T=1 min_diff", "T=4 min_diff"),
        *("T=1 balanced", "T=4 balanced"),
    ]
    assert study.methods == ["plain", "min_diff", "balanced"]
    assert [m.title for m in study.curve] == ["T=1", "T=4"]
    assert study.temperatures == [1.0, 4.0]


def test_a_task_names_the_method():
    parameters = list(tasks.train.__annotations__)
    assert parameters[2:6] == ["model", "seed", "temperature", "method"]
    assert Run(TEACHER, 0).method == layout.PLAIN
