"""A mended student is one Keras model that decides as the thresholds do, everywhere."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kd_keras
from kd_keras import export, litert, litert_tables
from kd_keras.datasets import Dataset, examples
from kd_keras.mitigation import (
    GroupShift,
    GroupThresholds,
    group_head,
    named_groups,
    with_group_feature,
)

NAMES = ("red", "blue")


def make_dataset():
    """Two numbers; the second one tells the color, and the first less of blue."""
    rng = np.random.default_rng(0)
    y, color = rng.integers(0, 2, 800), rng.choice([0, 0, 0, 1, 1, 1, -1], 800)
    a = (y * np.where(color == 1, 0.7, 1.5) + rng.normal(size=800)).astype("float32")
    b = (color + 0.4 * rng.normal(size=800)).astype("float32")
    columns = {"a": a, "b": b, "y": y, "color": color}
    columns["id"] = [str(i) for i in range(800)]
    data = tf.data.Dataset.from_tensor_slices(columns)
    spec = kd_keras.DatasetSpec.of(
        data, label="y", class_names=("no", "yes"), groups={"color": NAMES}
    )
    return Dataset(spec, {"validation": data}), columns


def make_student(units=2):
    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input((), name=name) for name in ("a", "b")}
    x = keras.ops.stack(list(inputs.values()), axis=-1)
    x = keras.layers.Dense(5, activation="tanh", name="features")(x)
    return keras.Model(inputs, keras.layers.Dense(units)(x))


@pytest.fixture(scope="module")
def mended():
    """Data, columns, inputs, student, thresholds and the wrapped model."""
    dataset, columns = make_dataset()
    student = make_student()
    student.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    x = {name: columns[name] for name in ("a", "b")}
    student.fit(x, columns["y"], epochs=3, verbose=0)
    thresholds = GroupThresholds(
        "equal_opportunity_difference", 0.02, from_logits=True, margin=0
    )
    logits = student.predict(x, verbose=0)
    thresholds.fit(logits, columns["y"], named(columns["color"]))
    return (
        dataset,
        columns,
        x,
        student,
        thresholds,
        thresholds.wrap(student, group_names=NAMES),
    )


def named(color):
    return np.array([*NAMES, None], object)[color]


def test_groups_by_name():
    dataset, columns = make_dataset()
    found = named_groups(dataset.spec, "color", columns["color"])
    assert list(found) == [{0: "red", 1: "blue", -1: None}[i] for i in columns["color"]]
    with pytest.raises(ValueError, match="Unknown sensitive attribute 'size'"):
        named_groups(dataset.spec, "size", [0])


def test_the_group_is_a_feature_beside_the_attribute():
    dataset, columns = make_dataset()
    served = with_group_feature(dataset, "color", name="kind")
    number = tf.TensorSpec((), tf.int64)
    assert served.spec.features == {**dataset.spec.features, "kind": number}
    assert served.spec.groups == dataset.spec.groups
    rows = list(served.splits["validation"].as_numpy_iterator())
    assert [row["kind"] for row in rows] == columns["color"].tolist()
    assert rows[0].keys() == {*columns, "kind"}
    assert rows[0]["kind"].dtype == np.int64


def expected(mended):
    _, columns, x, student, thresholds, _ = mended
    logits = student.predict(x, verbose=0)
    predicted = thresholds.predict(logits, named(columns["color"]))
    # Something was mended: else the tests below could not fail.
    assert (predicted != logits.argmax(-1)).sum() > 20
    assert len(set(predicted)) == 2
    return predicted


def test_the_highest_logit_is_the_decision(mended):
    _, columns, x, *_, model = mended
    moved = model.predict({**x, "group": columns["color"]}, verbose=0)
    np.testing.assert_array_equal(moved.argmax(-1), expected(mended))


def test_what_the_wrapped_model_answers_is_known_without_it(mended):
    _, columns, x, student, thresholds, model = mended
    logits = student.predict(x, verbose=0)
    moved = thresholds.move(logits, columns["color"], NAMES)
    served = model.predict({**x, "group": columns["color"]}, verbose=0)
    np.testing.assert_allclose(moved, served, atol=1e-6)
    np.testing.assert_array_equal(moved.argmax(-1), expected(mended))


def test_categories_of_a_wrapped_student_are_seen():
    job = keras.Input((), dtype="string", name="job")
    hashed = keras.layers.Hashing(4)(job)
    student = keras.Model({"job": job}, keras.layers.Embedding(4, 2)(hashed))
    shift = GroupThresholds(floor={"accuracy": 0.0}, margin=0, min_examples=1)
    shift.fit([0.2, 0.8], [0, 1], ["red", "blue"])
    wrapped = shift.wrap(student, group_names=NAMES)
    assert litert_tables.categories(wrapped) == ["job"]


@pytest.mark.parametrize("name", ["a", "color", "y", "id"])
def test_the_feature_of_the_group_has_a_name_of_its_own(name):
    dataset, _ = make_dataset()
    with pytest.raises(ValueError, match=f"no feature, attribute.*'{name}'"):
        with_group_feature(dataset, "color", name=name)


def test_the_softmax_is_moved_by_the_threshold(mended):
    _, _, x, student, thresholds, model = mended
    logits = student.predict(x, verbose=0)
    groups = np.full(800, 1)
    moved = model.predict({**x, "group": groups}, verbose=0)
    by_hand = 1 / (
        1 + np.exp(-(logits[:, 1] - logits[:, 0] - thresholds.thresholds["blue"]))
    )
    np.testing.assert_allclose(tf.nn.softmax(moved)[:, 1], by_hand, atol=1e-6)


def test_saved_and_loaded_in_safe_mode(mended, tmp_path):
    _, columns, x, *_, model = mended
    model.save(tmp_path / "m.keras")
    other = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    given = {**x, "group": columns["color"]}
    np.testing.assert_array_equal(
        other.predict(given, verbose=0), model.predict(given, verbose=0)
    )


def test_export_tf_examples_and_litert(mended, tmp_path):
    dataset, _, _, _, thresholds, model = mended
    served = with_group_feature(dataset, "color")
    card = {"mitigation": thresholds.describe()}
    path = export.export(model, served.spec, str(tmp_path), card)
    rows = list(served.splits["validation"].take(100).as_numpy_iterator())
    loaded = tf.saved_model.load(path)
    serialized = [examples.encode(served.spec, row) for row in rows]
    answer = loaded.signatures["serving_default"](examples=tf.constant(serialized))
    decided = expected(mended)[:100]
    np.testing.assert_array_equal(answer["probabilities"][:, 1] > 0.5, decided)
    features = [{k: row[k][None] for k in served.spec.features} for row in rows]
    content = litert.convert(path, "float32")
    probabilities, _ = litert.predict(content, features)
    np.testing.assert_array_equal(probabilities.argmax(-1), decided)


def test_an_audit_finds_the_gap_that_was_fitted(mended):
    dataset, _, _, _, thresholds, model = mended
    served = with_group_feature(dataset, "color")
    found = kd_keras.audit(
        {"mended": model},
        served.splits["validation"],
        served.spec,
        gaps=["equal_opportunity_difference"],
        replicates=10,
    )
    gap = found.values["mended", "equal_opportunity_difference", "color"].value
    assert gap == pytest.approx(thresholds.outcome.gap[1])
    assert gap <= 0.02 < thresholds.outcome.gap[0]


def test_a_head_tells_the_group_and_shares_the_students_layers(
    mended, tmp_path, capsys
):
    _, columns, x, student, known_groups, _ = mended
    before = [w.numpy() for w in student.weights]
    head = group_head(student, x, columns["color"])
    assert capsys.readouterr().out == ""
    told = head.predict(x, verbose=0).argmax(-1)
    known = columns["color"] >= 0
    assert (told == columns["color"])[known].mean() > 0.7
    logits = student.predict(x, verbose=0)
    thresholds = GroupThresholds(
        "equal_opportunity_difference", 0.02, from_logits=True, margin=0
    ).fit(logits, columns["y"], named(columns["color"]), inferred=named(told))
    # Of the true groups.
    assert thresholds.outcome.gap[1] <= 0.02 < thresholds.outcome.gap[0]
    assert thresholds.describe()["reads_group"] is False
    with pytest.raises(ValueError, match="`group_model` is needed if, and only if"):
        thresholds.wrap(student, group_names=NAMES)
    with pytest.raises(ValueError, match="`group_model` is needed if, and only if"):
        known_groups.wrap(student, group_names=NAMES, group_model=head)
    model = thresholds.wrap(student, group_names=NAMES, group_model=head)
    np.testing.assert_array_equal(
        model.predict(x, verbose=0).argmax(-1), thresholds.predict(logits, named(told))
    )
    # One hidden layer for both.
    assert sum(layer.name == "features" for layer in model.layers) == 1
    for one, other in zip(before, student.weights, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
    model.save(tmp_path / "m.keras")
    other = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_array_equal(
        other.predict(x, verbose=0), model.predict(x, verbose=0)
    )
    # A model that is not built on the student's inputs is called.
    copy = keras.models.clone_model(head)
    copy.set_weights(head.get_weights())
    beside = thresholds.wrap(student, group_names=NAMES, group_model=copy)
    np.testing.assert_array_equal(
        beside.predict(x, verbose=0), model.predict(x, verbose=0)
    )


def test_the_head_is_the_logistic_regression_of_scikit_learn(mended):
    linear_model = pytest.importorskip("sklearn.linear_model")
    _, columns, x, student, *_ = mended
    known = columns["color"] >= 0
    head = group_head(student, x, columns["color"], l2=1e-2)
    read = keras.Model(student.input, student.get_layer("features").output)
    values = read.predict(x, verbose=0)[known]
    values = (values - values.mean(0)) / values.std(0)
    peer = linear_model.LogisticRegression(C=1 / (1e-2 * known.sum()), max_iter=1000)
    # Two classes, each with its weights: the penalty is on half of the difference.
    peer.C *= 2
    peer.fit(values, columns["color"][known])
    found = tf.nn.softmax(head.predict(x, verbose=0)[known])
    np.testing.assert_allclose(found, peer.predict_proba(values), atol=2e-3)


def test_a_student_of_one_input_and_one_logit():
    student = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    logits = student.predict(x, verbose=0)
    groups = np.arange(200) % 2
    labels = (logits[:, 0] + groups > 0.3).astype(int)
    fitted = GroupThresholds(
        "equal_opportunity_difference", 0, from_logits=True, margin=0, min_examples=1
    ).fit(logits, labels, groups)
    model = fitted.wrap(student, feature="numbers", group_input="kind")
    assert {tensor.name for tensor in model.inputs} == {"numbers", "kind"}
    moved = model.predict({"numbers": x, "kind": groups}, verbose=0)
    np.testing.assert_array_equal(moved[:, 0] > 0, fitted.predict(logits, groups))
    np.testing.assert_array_equal(moved[:, 0] > 0, labels)


def test_infinite_offsets_give_probabilities():
    assert keras.saving.get_registered_name(GroupShift) == "kd_keras>GroupShift"
    layer = GroupShift([[np.inf], [-np.inf], [0.0]])
    logits = np.zeros((3, 2), "float32")
    probabilities = tf.nn.softmax(layer(logits, np.array([0, 1, 7])))
    np.testing.assert_array_equal(probabilities, [[0, 1], [1, 0], [0.5, 0.5]])


def test_what_cannot_be_wrapped(mended):
    *_, student, thresholds, _ = mended
    with pytest.raises(ValueError, match="`group_names` is needed"):
        thresholds.wrap(student)
    with pytest.raises(ValueError, match="without \\['blue'\\]"):
        thresholds.wrap(student, group_names=["red"])
    with pytest.raises(ValueError, match=r"`group_input` must .*Received: 'a'"):
        thresholds.wrap(student, group_names=NAMES, group_input="a")
    with pytest.raises(ValueError, match="must give 2 logits"):
        thresholds.wrap(make_student(3), group_names=NAMES)
    inputs = keras.Input((2,))
    head = keras.layers.Dense(2, activation="softmax")(inputs)
    with pytest.raises(ValueError, match="`student` must give logits"):
        thresholds.wrap(keras.Model(inputs, head), group_names=NAMES)
    dataset, *_ = mended
    with pytest.raises(ValueError, match="Received: 'a'"):
        with_group_feature(dataset, "color", name="a")
    with pytest.raises(ValueError, match="must be indices"):
        group_head(student, {"a": np.zeros(2), "b": np.zeros(2)}, ["red", "blue"])
