"""kd_keras.audit against values worked out by hand, for every kind of model."""

import dataclasses
import xml.etree.ElementTree

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import kd_keras
from kd_keras import audit, models
from kd_keras.auditing.figure import intervals_svg
from kd_keras.datasets import DatasetSpec
from kd_keras.export import export, save_model
from kd_keras.fairness import Interval, wilson

# "student" predicts class 1 for x > 0, "teacher" for x > 2.
COLUMNS = {
    "x": np.array([[1.0], [3], [-1], [-1], [1], [-1], [-1], [-1], [3]], np.float32),
    "y": np.array([1, 1, 0, 0, 1, 1, 0, 0, 0]),
    "color": np.array([0, 0, 0, 0, 1, 1, 1, 1, -1]),
    "size": np.array([0, 1, 0, 1, 0, 1, 0, 1, 0]),
}
EXAMPLES = tf.data.Dataset.from_tensor_slices(COLUMNS)
SPEC = kd_keras.DatasetSpec.of(
    EXAMPLES,
    label="y",
    class_names=("no", "yes"),
    groups={"color": ("red", "blue"), "size": ("small", "large")},
)
DPD, EOD = "demographic_parity_difference", "equalized_odds_difference"
STUDENT = (COLUMNS["x"][:, 0] > 0).astype(int)


def threshold_model(threshold, *, activation=None, units=2):
    """Logits [0, x - threshold], or x - threshold alone."""
    dense = keras.layers.Dense(units, activation=activation)
    model = keras.Sequential([keras.Input((1,), name="x"), dense])
    kernel, bias = [[0.0, 1.0]], [0.0, -float(threshold)]
    dense.set_weights([np.array(kernel)[:, -units:], np.array(bias)[-units:]])
    return model


def one_hot(predictions):
    return np.eye(2)[predictions]


@pytest.fixture(scope="module")
def result():
    models = {"teacher": threshold_model(2), "student": threshold_model(0)}
    return kd_keras.audit(models, EXAMPLES, SPEC, batch_size=4, min_examples=1)


def test_values(result):
    values = {key: interval.value for key, interval in result.values.items()}
    # color. Teacher: red y 1100 p 0100, blue y 1100 p 0000. Student: red p 1100,
    # blue p 1000. size, with the example without a color: small y 10100, teacher
    # p 00001, student p 10101; large y 1010, both p 1000.
    assert values == pytest.approx(
        {
            ("teacher", "accuracy", ""): 5 / 9,
            ("teacher", DPD, "color"): 1 / 4,
            ("teacher", EOD, "color"): 1 / 2,
            ("teacher", DPD, "size"): 1 / 4 - 1 / 5,
            ("teacher", EOD, "size"): 1 / 2,
            ("student", "accuracy", ""): 7 / 9,
            ("student", DPD, "color"): 1 / 2 - 1 / 4,
            ("student", EOD, "color"): 1 / 2,
            ("student", DPD, "size"): 3 / 5 - 1 / 4,
            ("student", EOD, "size"): 1 / 2,
        },
        abs=1e-12,
    )


def test_changes_and_disagreement(result):
    assert result.reference == "teacher"
    # The two examples with x = 1 are right in the student alone.
    assert result.changes["student", "accuracy", ""].value == pytest.approx(2 / 9)
    assert result.disagreement == {"student": pytest.approx(2 / 9)}
    change = result.changes["student", DPD, "size"]
    assert change.value == pytest.approx(0.35 - 0.05)
    assert -1 <= change.low < change.value < change.high <= 1
    assert not any(model == "teacher" for model, _, _ in result.changes)


def test_intervals(result):
    interval = result.values["student", "accuracy", ""]
    wilson = scipy.stats.binomtest(7, 9).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((wilson.low, wilson.high))
    # Only two examples change, from wrong to right: a binomial number of gains.
    models = {"teacher": threshold_model(2), "student": threshold_model(0)}
    narrow = kd_keras.audit(models, EXAMPLES, SPEC, level=0.6, replicates=10_000)
    low, high = scipy.stats.binom.ppf([0.2, 0.8], 9, 2 / 9) / 9
    interval = narrow.changes["student", "accuracy", ""]
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.01)


def test_sample_weights():
    weighted = tf.data.Dataset.from_tensor_slices(
        COLUMNS | {"weight": np.array([1.0] * 8 + [2])}
    )
    models = {"teacher": threshold_model(2), "student": threshold_model(0)}
    result = kd_keras.audit(
        models, weighted, SPEC, sample_weight="weight", min_examples=1
    )
    assert result.values["student", "accuracy", ""].value == pytest.approx(7 / 10)
    assert result.changes["student", "accuracy", ""].value == pytest.approx(2 / 10)
    assert result.values["student", DPD, "size"].value == pytest.approx(4 / 6 - 1 / 4)
    # Kish's effective number of examples is 10^2 / 12.
    low, high = map(float, wilson(0.7 * 100 / 12, 100 / 12))
    interval = result.values["student", "accuracy", ""]
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_weights_of_0_for_all_leave_nobody():
    nobody = tf.data.Dataset.from_tensor_slices(COLUMNS | {"weight": np.zeros(9)})
    models = {"teacher": threshold_model(2)}
    with pytest.raises(ValueError, match=r"'weight' for each of 9 examples"):
        kd_keras.audit(models, nobody, SPEC, sample_weight="weight")


def exported(tmp_path, model):
    save_model(model, SPEC, str(tmp_path / "1"))
    return str(tmp_path / "1")


def keras_export(tmp_path, model):
    model.export(tmp_path / "1", verbose=False)
    return tf.saved_model.load(str(tmp_path / "1"))


def keras_file(tmp_path, model):
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda _: threshold_model(0, units=1), False, id="one logit"),
        pytest.param(
            lambda _: threshold_model(0, units=1, activation="sigmoid"),
            False,
            id="sigmoid",
        ),
        pytest.param(
            lambda path: exported(path, threshold_model(0)), False, id="export"
        ),
        pytest.param(
            lambda path: keras_export(path, threshold_model(0)), False, id="loaded"
        ),
        pytest.param(
            lambda path: keras_export(path, threshold_model(0, units=1)),
            False,
            id="logit",
        ),
        pytest.param(
            lambda path: keras_file(path, threshold_model(0)), False, id="keras"
        ),
        pytest.param(
            lambda _: kd_keras.Distiller(student=threshold_model(0)),
            False,
            id="distiller",
        ),
        pytest.param(
            lambda _: lambda x: 1 / (1 + np.exp(-x[:, 0])), True, id="function"
        ),
        pytest.param(lambda _: one_hot(STUDENT), False, id="array"),
        pytest.param(lambda _: STUDENT, False, id="labels"),
        pytest.param(lambda _: np.array(["no", "yes"])[STUDENT], False, id="names"),
        pytest.param(lambda _: 2 * STUDENT - 1, False, id="signs"),
        pytest.param(lambda _: np.where(STUDENT, 0.9, 0.2), True, id="probabilities"),
    ],
)
def test_every_kind_of_model(tmp_path, make, said, result):
    models = {"teacher": threshold_model(2), "student": make(tmp_path)}
    scores = {"student": "probabilities"} if said else None
    found = kd_keras.audit(models, EXAMPLES, SPEC, batch_size=4, scores=scores)
    assert found.pairs["student"] == result.pairs["student"]


def test_batches_and_group_names(result):
    names = {
        "color": np.array(["red", "blue", ""])[COLUMNS["color"]],
        "size": np.array(["small", "large"])[COLUMNS["size"]],
    }
    batches = tf.data.Dataset.from_tensor_slices(COLUMNS | names).batch(5)
    models = {"teacher": threshold_model(2), "student": threshold_model(0)}
    found = kd_keras.audit(models, batches, SPEC)
    assert found.pairs["student"] == result.pairs["student"]


def test_several_features():
    columns = COLUMNS | {"shift": np.zeros(9, np.float32)}
    examples = tf.data.Dataset.from_tensor_slices(columns)
    spec = kd_keras.DatasetSpec.of(examples, label="y", class_names=("no", "yes"))
    assert list(spec.features) == ["x", "color", "size", "shift"]
    found = kd_keras.audit(
        {"student": lambda e: one_hot(np.int64(e["x"][:, 0] > e["shift"]))},
        examples,
        spec,
    )
    assert found.values["student", "accuracy", ""].value == pytest.approx(7 / 9)
    assert str(found).startswith("student is right for 77.8 % of 9 examples.")


def test_data_is_read_once():
    reads = []

    def rows():
        reads.append(1)
        for i in range(9):
            yield {key: column[i] for key, column in COLUMNS.items()}

    examples = tf.data.Dataset.from_generator(
        rows, output_signature=EXAMPLES.element_spec
    )
    models = {name: one_hot(STUDENT) for name in "abc"}
    kd_keras.audit(models, examples, SPEC)
    assert len(reads) == 1


def test_text_and_html(result):
    text = str(result)
    assert "77.8 [45.3, 93.7]" in text
    assert "color (base rate gap 0.0 %)" in text
    assert max(map(len, text.splitlines())) <= 100
    page = result._repr_html_()
    for line in ("<td>22.2</td>", '<th scope="row">student</th>', "<td>75.0</td>"):
        assert line in page


def test_figure():
    svg = intervals_svg(
        "gap <&>",
        {
            "<b>": Interval(0.25, 0.0, 0.5, 0.95),
            "b": Interval(0.5, 0.25, 1.0, 0.95),
            "none": Interval(np.nan, np.nan, np.nan, 0.95),
        },
    )
    root = xml.etree.ElementTree.fromstring(svg)
    # The axis from 0 to 100 % is 200 pixels wide and begins at 130.
    assert [circle.get("cx") for circle in root.iterfind("{*}circle")] == [
        "180.0",
        "230.0",
    ]
    assert [(line.get("x1"), line.get("x2")) for line in root.iterfind("{*}line")] == [
        ("130.0", "230.0"),
        ("180.0", "330.0"),
    ]
    texts = [text.text for text in root.iterfind("{*}text")]
    assert texts == ["gap <&>", "<b>", "b", "none", "0.0 %", "100.0 %"]
    assert intervals_svg("x", {"a": Interval(np.nan, np.nan, np.nan, 0.95)}) == ""


def test_names_with_markup_are_shown():
    name = "<script>alert(1)</script>"
    spec = kd_keras.DatasetSpec.of(
        EXAMPLES, label="y", class_names=("no", "yes"), groups={"size": (name, "large")}
    )
    page = kd_keras.audit({"<b>": one_hot(STUDENT)}, EXAMPLES, spec)._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_undefined_gap_says_why():
    reds = EXAMPLES.filter(lambda e: e["color"] == 0)
    result = kd_keras.audit({"student": threshold_model(0)}, reds, SPEC)
    assert np.isnan(result.values["student", DPD, "color"].value)
    reason = "DPD by color of student is undefined: needs at least two groups"
    assert reason in str(result)
    assert reason in result._repr_html_()


def other_columns(**columns):
    return tf.data.Dataset.from_tensor_slices(COLUMNS | columns)


@pytest.mark.parametrize(
    ("models", "dataset", "error", "message"),
    [
        ({}, EXAMPLES, TypeError, "`models` must be a dict with at least one model"),
        ([one_hot(STUDENT)], EXAMPLES, TypeError, "`models` must be a dict"),
        ({"a": 3}, EXAMPLES, TypeError, r"`models\['a'\]` must be a Keras model"),
        ({"a": "/no/model"}, EXAMPLES, ValueError, "'/no/model', which does not exist"),
        (
            {"a": keras.Sequential([keras.layers.Dense(2)])},
            EXAMPLES,
            ValueError,
            r"`models\['a'\]` has no weights yet",
        ),
        (
            {"a": np.eye(3)[STUDENT]},
            EXAMPLES,
            ValueError,
            r"must give scores of shape \(9, 2\) or \(9,\) or \(9, 1\) .* \(9, 3\)",
        ),
        (
            {"a": one_hot(STUDENT)[:5]},
            EXAMPLES,
            ValueError,
            r"for examples 0 to 8. Received: \(5, 2\)",
        ),
        (
            {"a": one_hot(np.tile(STUDENT, 2))},
            EXAMPLES,
            ValueError,
            "one row for each of the 9 examples. Received: 18 rows",
        ),
        (
            {"a": one_hot(STUDENT) * np.nan},
            EXAMPLES,
            ValueError,
            r"`models\['a'\]`, examples 0 to 8: Scores must not be NaN",
        ),
        (
            {"a": one_hot(STUDENT)},
            EXAMPLES.map(lambda e: {"x": e["x"], "y": e["y"]}),
            ValueError,
            r"Missing: \['color', 'size'\]",
        ),
        (
            {"a": one_hot(STUDENT)},
            EXAMPLES.map(lambda e: e["x"]),
            TypeError,
            "`dataset` must be a tf.data.Dataset of dicts",
        ),
        (
            {"a": one_hot(STUDENT)},
            other_columns(color=COLUMNS["color"] + 1),
            ValueError,
            "Column 'color' .* Received: 2 in row 4. Allowed: 'red', 'blue'",
        ),
        (
            {"a": one_hot(STUDENT)},
            other_columns(color=["red"] * 8 + ["green"]),
            ValueError,
            "Column 'color' has a group that is not named. Received: 'green' in row 8",
        ),
        (
            {"a": one_hot(STUDENT)},
            other_columns(y=COLUMNS["y"] + 1),
            ValueError,
            "Column 'y' has a label that is no class. Received: 2 in row 0",
        ),
        (
            {"a": lambda x: {"first": one_hot(STUDENT), "second": one_hot(STUDENT)}},
            EXAMPLES,
            ValueError,
            r"Received: \(\)",
        ),
        ({"a": one_hot(STUDENT)}, EXAMPLES.repeat(), ValueError, "repeats for ever"),
        (
            {"a": one_hot(STUDENT)},
            EXAMPLES.take(0),
            ValueError,
            "at least one example",
        ),
    ],
)
def test_bad_input(models, dataset, error, message):
    with pytest.raises(error, match=message):
        kd_keras.audit(models, dataset, SPEC)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gaps": ["accuracy"]}, r"`gaps` must be some of .* Received: \['accuracy'\]"),
        ({"gaps": "accuracy_gap"}, "Received: 'accuracy_gap'"),
        ({"level": 95}, "`level` must lie between 0 and 1"),
        ({"sample_weight": "weight"}, r"Missing: \['weight'\]"),
    ],
)
def test_bad_options_are_refused_before_the_data_is_read(options, message):
    def fail(example):
        tf.debugging.assert_equal(example["y"], np.int64(7))
        return example

    with pytest.raises(ValueError, match=message):
        kd_keras.audit({"a": one_hot(STUDENT)}, EXAMPLES.map(fail), SPEC, **options)


def test_an_export_with_capital_letters_is_audited(tmp_path):
    number = tf.TensorSpec((), tf.float32)
    spec = DatasetSpec("d", {"Age": number, "b": number}, "y", ("no", "yes"), {})
    model = models.build("mlp", spec.features, 2)
    rows = {"Age": np.arange(20.0), "b": np.ones(20), "y": [0, 1] * 10}
    path = export(model, spec, str(tmp_path))
    found = audit(
        {"model": model, "export": path}, rows, spec, scores={"model": "logits"}
    )
    assert found.disagreement["export"] == 0
    twice = dataclasses.replace(spec, features={"Age": number, "age": number})
    with pytest.raises(ValueError, match=r"differ in small letters.*\['Age', 'age'\]"):
        export(models.build("mlp", twice.features, 2), twice, str(tmp_path))
