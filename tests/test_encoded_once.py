"""Classes and groups called "1", "0" or "2": one meaning on every way to a number.

A number in a user's own table is a name; what `spec.examples`, `table.load` or any
other tf.data.Dataset holds is an index. Expected numbers are NumPy's, of the table.
"""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from kd_keras import audit, audit_predictions
from kd_keras.callbacks import FairnessMonitor
from kd_keras.datasets import DatasetSpec, table
from kd_keras.export import save_model
from pipelines.studies import predictions

N = 240
# The numbers of the table in the order of their indices, and the names that are given.
CASES = [
    pytest.param((1, 0), (1, 0), True, id="1,0"),
    pytest.param((1, 2), (1, 2), True, id="1,2"),
    pytest.param((1, 2), (1, 2, 3), True, id="1,2 by 1,2,3"),
    pytest.param((1, 0), (1, 2, 3), False, id="1,0 by 1,2,3 as found"),
]
cases = pytest.mark.parametrize(("classes", "groups", "told"), CASES)


class Case:
    """A table, its spec, a model that is right for most, and NumPy's numbers."""

    def __init__(self, classes, groups, told):
        rng = np.random.default_rng(0)
        self.label = rng.choice(classes, N)
        self.group = rng.choice(groups, N)
        # Most often wrong in the first group.
        wrong = rng.random(N) < np.where(self.group == groups[0], 0.4, 0.1)
        self.predicted = np.where(wrong, sum(classes) - self.label, self.label)
        # What the model sees is the index of the class that it will predict.
        self.index = (self.predicted == classes[1]).astype(np.float32)
        right = self.predicted == self.label
        self.accuracy = right.mean()
        self.by_group = {str(g): right[self.group == g].mean() for g in groups}
        rates = [(self.predicted == classes[1])[self.group == g].mean() for g in groups]
        self.dpd = max(rates) - min(rates)
        self.table = {"x": self.index, "y": self.label, "g": self.group}
        self.class_names = tuple(map(str, classes))
        self.group_names = {"g": tuple(map(str, groups))} if told else ["g"]
        self.options = {"class_names": self.class_names, "groups": self.group_names}

    def spec(self):
        return DatasetSpec.of(self.table, label="y", **self.options)

    def loaded(self, tmp_path):
        """All rows in the split "test", which `table.load` has in a Dataset."""
        path = tmp_path / "people.csv"
        ends = [{k: v[:2] for k, v in self.table.items()} for _ in range(2)]
        rows = [pd.DataFrame(part) for part in (self.table, *ends)]
        splits = ("test", "train", "validation")
        rows = [r.assign(fold=s) for r, s in zip(rows, splits, strict=True)]
        pd.concat(rows).to_csv(path, index=False)
        return table.load(
            path=str(path),
            label="y",
            split="fold",
            features={"x": "number"},
            **self.options,
        )

    def check(self, found, name="m"):
        assert found.values[name, "accuracy", ""].value == pytest.approx(self.accuracy)
        assert found.counts[name].accuracy("g").by_group == pytest.approx(self.by_group)


def made():
    """A model with the logits [0, x - 1/2]."""
    x = keras.Input((), name="x")
    dense = keras.layers.Dense(2)
    model = keras.Model(x, dense(keras.ops.expand_dims(x, -1)))
    dense.set_weights([np.array([[0.0, 1.0]]), np.array([0.0, -0.5])])
    # A learning rate of 0 keeps the predictions.
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), loss)
    return model


@pytest.fixture
def case(classes, groups, told):
    return Case(classes, groups, told)


@cases
@pytest.mark.parametrize("kind", ["dict", "frame", "csv"])
def test_a_table_is_audited(case, tmp_path, kind):
    given = case.table
    if kind != "dict":
        given = pd.DataFrame(given)
    if kind == "csv":
        given.to_csv(tmp_path / "a.csv", index=False)
        given = str(tmp_path / "a.csv")
    one_hot = np.eye(2)[case.index.astype(int)]
    models = {"m": made(), "scores": one_hot, "labels": case.predicted}
    models["words"] = case.predicted.astype(str)
    # The labels of a Keras model are indices, whatever those of the table are.
    x = keras.Input((), name="x")
    models["indices"] = keras.Model(x, keras.ops.cast(x > 0.5, "int32"))
    found = audit(models, given, case.spec(), batch_size=50)
    for name in models:
        case.check(found, name)


@cases
def test_a_dataset_is_audited(case):
    spec = case.spec()
    examples = spec.examples(case.table)
    index = case.index.astype(int)
    models = {"m": made(), "scores": np.eye(2)[index], "labels": index}
    models["words"] = case.predicted.astype(str)
    for dataset in (examples, examples.batch(50)):
        found = audit(models, dataset, spec)
        for name in models:
            case.check(found, name)


@cases
def test_strings_in_a_dataset_are_names(case):
    words = {key: case.table[key].astype(str) for key in ("y", "g")}
    examples = tf.data.Dataset.from_tensor_slices(case.table | words)
    case.check(audit({"m": made()}, examples, case.spec()))


@cases
def test_a_split_is_audited(case, tmp_path):
    data = case.loaded(tmp_path)
    case.check(audit({"m": made()}, data.splits["test"], data.spec))


@cases
def test_an_export_is_audited(case, tmp_path):
    data = case.loaded(tmp_path)
    path = str(tmp_path / "export")
    save_model(made(), data.spec, path)
    for given in (data.splits["test"], case.table):
        case.check(audit({"m": path}, given, data.spec))


@cases
def test_what_a_study_predicts_is_counted(case, tmp_path):
    data = case.loaded(tmp_path)
    found = predictions.predict(made(), data, "test")
    counts = found.truth.counts(data.spec, found.logits.argmax(axis=1))
    assert counts.accuracy(()).by_group[()] == pytest.approx(case.accuracy)
    assert counts.accuracy("g").by_group == pytest.approx(case.by_group)


@cases
@pytest.mark.parametrize("kind", ["table", "examples", "split"])
def test_a_monitor_measures(case, tmp_path, kind):
    data = case.loaded(tmp_path)
    spec, given = case.spec(), case.table
    if kind == "examples":
        given = spec.examples(given)
    elif kind == "split":
        spec, given = data.spec, data.splits["test"]
    monitor = FairnessMonitor(given, spec, min_examples=1)
    train = data.splits["train"].map(lambda e: (e["x"], e["y"])).batch(2)
    logs = made().fit(train, callbacks=[monitor], verbose=0).history
    assert logs["val_worst_group_accuracy"] == [
        pytest.approx(min(case.by_group.values()))
    ]
    assert logs["val_dpd_g"] == [pytest.approx(case.dpd)]
    logits = np.stack([0 * case.index, case.index - 0.5], axis=1)
    assert monitor.measure(logits)["val_dpd_g"] == pytest.approx(case.dpd)


@cases
def test_predictions_of_elsewhere_are_audited(case):
    index = case.index.astype(int)
    models = {"labels": case.predicted, "scores": np.eye(2)[index]}
    models["words"] = case.predicted.astype(str)
    found = audit_predictions(
        case.label, models, groups={"g": case.group}, class_names=case.class_names
    )
    for name in models:
        case.check(found, name)


@pytest.mark.parametrize(
    "names", [("True", "False"), ("true", "false"), ("False", "True"), ("no", "yes")]
)
def test_booleans_have_the_names_that_are_theirs(names):
    """All ways agree; True is the second class where no class is called so."""
    case = Case((0, 1), (0, 1), False)
    label, predicted = case.label == 1, case.predicted == 1
    index = predicted.astype(int)
    if names[0].casefold() == "true":
        index = 1 - index
    rows = {"x": case.index, "y": label, "g": case.group == 1}
    spec = DatasetSpec.of(rows, label="y", class_names=names, groups=["g"])
    models = {"booleans": predicted, "m": np.eye(2)[index]}
    case.by_group = {str(g == "1"): value for g, value in case.by_group.items()}
    of_columns = audit_predictions(
        label, models, groups={"g": rows["g"]}, class_names=names
    )
    in_dataset = tf.data.Dataset.from_tensor_slices(rows)
    for found in (
        of_columns,
        audit(models, rows, spec),
        audit(models, spec.examples(rows), spec),
        audit(models, in_dataset, spec),
    ):
        for name in models:
            case.check(found, name)
            assert found.counts[name].groups == {"g": ("False", "True")}


@pytest.mark.parametrize("classes", [(1, 0), (1, 2)])
def test_whole_floats_may_be_labels_or_scores(classes):
    case = Case(classes, (1, 2), True)
    models = {"m": case.predicted.astype(float)}
    options = {"groups": {"g": case.group}, "class_names": case.class_names}
    with pytest.raises(ValueError, match=r"may be labels or scores.*scores='labels'"):
        audit_predictions(case.label, models, **options)
    case.check(audit_predictions(case.label, models, scores="labels", **options))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"y": [1, 2, 1, 2]},
            "Received: 2 in row 1. Allowed: '1', '2' as strings, or their indices 0 to "
            "1: in a tf.data.Dataset a number is an index",
        ),
        (
            {"g": [1, 2, 1, 2]},
            "Received: 2 in row 1. Allowed: '1', '2' as strings, or their indices",
        ),
        # As data sets hide the labels of a competition.
        ({"y": [-1, -1, -1, -1]}, "Received: -1 in 4 examples. Leave out those"),
        ({"y": [0, -1, 1, 1]}, "Received: -1 in 1 examples. Leave out those"),
    ],
)
def test_numbers_in_a_dataset_that_are_no_indices_are_refused(change, message):
    rows = {"x": np.zeros(4, np.float32), "y": [0, 1, 0, 1], "g": [0, 1, 0, 1]}
    names = ("1", "2")
    examples = tf.data.Dataset.from_tensor_slices(rows | change)
    spec = DatasetSpec.of(
        examples, label="y", class_names=names, groups={"g": names}, features=["x"]
    )
    with pytest.raises(ValueError, match="`dataset`, examples 0 to 3: Column") as error:
        audit({"m": np.eye(2)[[0, 1, 0, 1]]}, examples, spec)
    assert message in str(error.value)
