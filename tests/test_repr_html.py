"""Objects show themselves as tables in a notebook, with every name escaped."""

import html.parser

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import DatasetSpec, Distiller, teacher_cache
from kd_keras.fairness import (
    GroupCounts,
    PairedCounts,
    class_bias,
    individual_fairness,
    wilson,
)
from kd_keras.losses import FeatureHint
from kd_keras.mitigation import MinDiff
from kd_keras.table import Table, number, shown

# Group "<i>" has y 1100 and p 1100, group "b" y 1100 and p 1000.
Y = [1, 1, 0, 0, 1, 1, 0, 0]
P = [1, 1, 0, 0, 1, 0, 0, 0]
GROUPS = {"color": ["<i>"] * 4 + ["b"] * 4}
COUNTS = GroupCounts.from_predictions(Y, P, groups=GROUPS)
PAIR = PairedCounts.from_predictions(Y, [1, 0, 0, 0, 1, 1, 0, 0], P, groups=GROUPS)


class _Rows(html.parser.HTMLParser):
    """Rows of a table, as lists of text; a tag out of place is an error."""

    TAGS = frozenset({"table", "caption", "thead", "tbody", "tr", "th", "td"})

    def __init__(self):
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag, attrs):
        assert tag in self.TAGS, tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def rows(shown_object) -> list[list[str]]:
    parser = _Rows()
    parser.feed(shown_object._repr_html_())
    return parser.rows


def test_table_as_text_and_html():
    table = Table("t & u", ("name", "x"), [("a", "1.5"), ("<b>", "10")])
    assert table.text() == "t & u\nname    x\na     1.5\n<b>    10"
    assert table.html() == (
        '<table><caption>t &amp; u</caption><thead><tr><th scope="col">name</th>'
        '<th scope="col">x</th></tr></thead><tbody>'
        '<tr><th scope="row">a</th><td>1.5</td></tr>'
        '<tr><th scope="row">&lt;b&gt;</th><td>10</td></tr></tbody></table>'
    )


def test_numbers():
    assert number(float("nan")) == "undefined"
    assert shown([0.5, (1, "a")]) == "0.5, 1, a"
    assert shown(np.array([])) == "none"


def wilson_cell(right, n):
    low, high = (end[0] for end in wilson([right], [n]))
    return f"{right / n:.4g} [{low:.4g}, {high:.4g}]"


def test_rates_and_counts():
    # Groups are sorted by name.
    assert rows(COUNTS.accuracy())[1:] == [
        ["<i>", wilson_cell(4, 4), "4"],
        ["b", wilson_cell(3, 4), "4"],
    ]
    assert "accuracy, overall 0.875" in COUNTS.accuracy()._repr_html_()
    assert rows(COUNTS)[1:] == [["color", "<i>", "4"], ["color", "b", "4"]]
    assert "GroupCounts: 8 examples, 2 classes" in COUNTS._repr_html_()


def test_gaps_and_changes():
    gap = dict(rows(COUNTS.demographic_parity_difference())[1:])
    # Selection rates 2/4 and 1/4.
    assert gap["value"] == "0.25"
    assert (gap["lowest"], gap["highest"]) == ("b", "<i>")
    undefined = COUNTS.equal_opportunity_difference(min_examples=3)
    assert dict(rows(undefined)[1:])["value"] == "undefined"
    change = PAIR.gap_change("demographic_parity_difference", min_examples=1)
    # Model a selects 1/4 and 2/4, model b 2/4 and 1/4.
    assert dict(rows(change)[1:])["interval"].startswith("0 [")
    assert dict(rows(change)[1:])["p value"] == number(change.p_value)
    low, high = map(number, (change.interval.low, change.interval.high))
    assert dict(rows(change.interval)[1:])["low"] == low
    assert str(change.interval) == f"0 [{low}, {high}]"


def test_comparisons():
    # Model a is wrong in one of "<i>", model b in one of "b".
    assert rows(PAIR.error_transfer())[1:] == [
        ["overall", "0", "0.125", "0.125", "8"],
        ["<i>", "0", "0", "0.25", "4"],
        ["b", "0", "0.25", "0", "4"],
    ]
    assert rows(PAIR.class_group_changes())[1:] == [
        ["<i>", "+0.0000", "+0.5000"],
        ["b", "+0.0000", "-0.5000"],
    ]


def test_class_bias_and_individual_fairness():
    bias = class_bias(
        [[0.5, 0.8], [0.6, 0.8]],
        [[0.7, 0.8], [0.8, 0.8]],
        overall_a=[1, 1],
        overall_b=[1, 1],
    )
    assert [row[1] for row in rows(bias)[1:]] == ["+0.2000", "+0.0000"]
    assert rows(bias)[2][2] == "undefined"
    # Total variation 1 over the distance 2.
    one = individual_fairness([0.0, 1.0], [0, 2], input_distance="euclidean", pairs=1)
    assert dict(rows(one)[1:])["mean"] == "0.5"


@pytest.fixture
def spec():
    return DatasetSpec(
        name="<data>",
        features={"x": tf.TensorSpec((1,), tf.float32)},
        label="y",
        class_names=("no", "<yes>"),
        groups={"size": ("small", "large")},
    )


def test_spec(spec):
    assert rows(spec)[1:] == [
        ["x", "feature", "float32 [1]"],
        ["y", "label", "no, <yes>"],
        ["size", "attribute", "small, large"],
        ["id", "example id", "string"],
    ]


def linear(name):
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)], name=name)


def test_distiller():
    fields = dict(
        rows(Distiller(student=linear("small"), teacher=linear("big"), temperature=2.0))
    )
    assert fields["student"] == "small, 4 parameters"
    assert fields["teacher"] == "big, 4 parameters"
    assert fields["temperature"] == "2.0"
    assert dict(rows(Distiller(student=linear("small"))))["teacher"] == "none"


def test_teacher_cache(tmp_path, spec):
    columns = {"x": np.ones((3, 1), np.float32), "y": [0, 1, 0], "size": [0, 1, 1]}
    examples = tf.data.Dataset.from_tensor_slices(columns | {"id": ["a", "b", "c"]})
    cache = teacher_cache.build(str(tmp_path), linear("big"), examples, spec)
    fields = dict(rows(cache)[1:])
    assert (fields["dataset"], fields["examples"]) == ("<data>", "3")


class Subclassed(keras.Model):
    def call(self, x):
        return x


def named_dense(name):
    layers = [keras.Input((1,)), keras.layers.Dense(2, name="dense")]
    return keras.Sequential(layers, name=name)


def test_a_distiller_of_models_that_have_no_weights_yet_or_of_several_teachers():
    named = Subclassed(name="later")
    fields = dict(rows(Distiller(student=named)))
    assert (fields["student"], fields["teacher"]) == ("later", "none")
    student, *teachers = (named_dense(name) for name in ("small", "big", "bigger"))
    hint = FeatureHint("dense", "dense", name="near")
    distiller = Distiller(
        student=student, teacher=teachers, hints=[hint], parts=[MinDiff(2, name="fair")]
    )
    assert rows(distiller)[1:] == [
        ["student", "small, 4 parameters"],
        ["teacher", "big, 4 parameters, bigger, 4 parameters"],
        ["temperature", "4.0"],
        ["alpha", "0.8"],
        ["soft_loss", "kl"],
        ["head", "softmax"],
        ["teacher_outputs", "logits"],
        ["hint", "near"],
        ["part", "fair"],
    ]


def test_a_distiller_of_a_saved_teacher(tmp_path):
    linear("big").export(str(tmp_path / "big"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "big"))
    fields = dict(rows(Distiller(student=linear("small"), teacher=loaded)))
    assert fields["teacher"] == type(loaded).__name__
