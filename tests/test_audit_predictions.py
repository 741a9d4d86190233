"""What audit_predictions says, against values worked out by hand."""

import json
import math
import re
import xml.etree.ElementTree

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import kd_keras
from kd_keras.auditing.counting import Tally
from kd_keras.auditing.seeds import over_seeds

DPD, EOD = "demographic_parity_difference", "equalized_odds_difference"

# 100 women, of whom the student alone gets 10 right and the teacher alone 30; 100 men
# on whom both are right; 7 others; 3 people without a group.
Y = np.tile([0, 1], 105)
SEX = np.array(["f"] * 100 + ["m"] * 100 + ["o"] * 7 + [""] * 3)
TEACHER, STUDENT = Y.copy(), Y.copy()
TEACHER[:10] = 1 - Y[:10]
STUDENT[10:40] = 1 - Y[10:40]
MODELS = {"teacher": TEACHER, "student": STUDENT}


def audited(models=MODELS, y=Y, **options):
    options = {"groups": {"sex": SEX}, "replicates": 50} | options
    return kd_keras.audit_predictions(y, models, **options)


def test_the_group_that_the_student_fails_most():
    result = audited()
    worst = result.groups["student"][0]
    assert (worst.attribute, worst.group, worst.examples) == ("sex", "f", 100)
    assert (worst.reference, worst.accuracy) == (0.9, 0.7)
    # Two more examples: center -20 / 102, variance (41 / 102 - center^2) / 102; two
    # groups together, so 1 - 0.05 / 4 of the normal distribution: 2.2414 errors.
    center, square = -20 / 102, 41 / 102
    half = 2.241403 * math.sqrt((square - center**2) / 102)
    found = worst.change
    assert found.value == pytest.approx(-0.2)
    assert (found.low, found.high) == pytest.approx((center - half, center + half))
    assert worst.sure
    assert result.sentence == (
        "student fails f (sex) most: accuracy 70.0 % against 90.0 % of teacher, of 100 "
        "examples. This is sure: the change of -20.0 lies within -33.0 to -6.2 points, "
        "in intervals of 95 % for all 2 groups together"
    )
    assert str(result).startswith("student fails f (sex) most")
    # Weights of 1/2 leave everything as it is, by the effective number of examples.
    halves = audited(sample_weight=np.full(210, 0.5)).groups["student"][0].change
    assert (halves.low, halves.high) == pytest.approx((found.low, found.high))


def test_a_drop_by_chance_is_called_so():
    few = np.where(np.arange(210) == 12, STUDENT, Y)
    result = audited({"teacher": Y, "student": few})
    assert result.sentence.startswith("student fails f (sex) most: accuracy 99.0 %")
    assert "This may be chance" in result.sentence
    gained = audited({"teacher": few, "student": Y})
    assert gained.sentence.startswith(
        "No group loses accuracy against teacher; m (sex)"
    )


def test_small_groups_and_missing_ones_are_named():
    text = str(audited())
    assert "o: 7 examples, not compared" in text
    assert "3 examples without a group, not compared" in text
    decided = r"EOD by sex of teacher.* is decided by [fm] \(100 .*\) and [fm] \(100 "
    assert re.search(decided, text)
    # The women of whom the teacher is wrong are selected as often as the others.
    assert "DPD by sex of teacher is decided" not in text
    named = str(audited(min_examples=1))
    assert "7 examples, not compared" not in named
    rates = str(audited(min_examples=51))
    assert "f: 100 examples, 50 of them positives, not compared" in rates


def test_who_decides():
    # Selected: 2 of 4 of a, 1 of 4 of b, 4 of 4 of c.
    predicted = [1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]
    result = kd_keras.audit_predictions(
        [1, 0] * 6, {"x": predicted}, groups={"g": list("aaaabbbbcccc")}, min_examples=1
    )
    assert result.values["x", DPD, "g"].value == 0.75
    assert "DPD by g of x is decided by b (4 examples) and c (4 examples)" in str(
        result
    )


def test_a_crossing_stands_beside_its_parts():
    # Each attribute alone is selected 2 of 4; their crossings 0 or all.
    result = kd_keras.audit_predictions(
        [1, 0] * 4,
        {"x": [1, 1, 0, 0, 0, 0, 1, 1]},
        groups={"a": list("ppppqqqq"), "b": list("rrssrrss")},
        attributes=("a", ("a", "b")),
        min_examples=1,
        gaps=(DPD,),
        replicates=20,
    )
    assert result.values["x", DPD, "a"].value == 0
    assert result.values["x", DPD, ("a", "b")].value == 1
    lines = str(result).splitlines()
    heads = next(line for line in lines if "DPD a x b %" in line)
    assert heads.split("  ")[1:] == ["DPD a x b %", "DPD a %", "DPD b %"]
    assert lines[lines.index(heads) + 1].split() == ["x", "100.0", "0.0", "0.0"]
    assert "p, r (2 examples)" in str(result)


def test_equal_seeds_are_as_one_model():
    one = audited(replicates=200)
    three = audited({"teacher": TEACHER, "student": [STUDENT] * 3}, replicates=200)
    for key, interval in one.changes.items():
        assert three.changes[key].value == pytest.approx(interval.value), key
    # That of accuracy draws the same cells; gaps of one model are not drawn.
    key = ("student", "accuracy", "")
    found, expected = three.changes[key], one.changes[key]
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    for key, interval in one.values.items():
        assert three.values[key].value == pytest.approx(interval.value), key
    assert three.sds["student", EOD, "sex"] == pytest.approx(0, abs=1e-12)
    assert three.models["student"] == ("student[0]", "student[1]", "student[2]")
    assert three.disagreement == pytest.approx(one.disagreement)
    assert len(three.to_frame().query("model == 'student'")) == len(
        one.to_frame().query("model == 'student'")
    )


def test_seeds_stand_beside_the_reference_of_the_same_seed():
    models = {"teacher": [Y, 1 - Y], "student": [Y, Y]}
    result = audited(models)
    # The second student is right where the second teacher never is.
    assert result.changes["student", "accuracy", ""].value == pytest.approx(0.5)
    assert result.disagreement["student"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="one model for each of the 2 of 'teacher'"):
        audited({"teacher": [Y, Y], "student": [Y, Y, Y]})


def test_the_interval_over_seeds_is_students_where_examples_do_not_matter():
    tally = Tally({"x": ("x[0]", "x[1]", "x[2]")}, 2)
    tally.add(Y, {}, None, {f"x[{i}]": Y for i in range(3)})
    values = np.array([0.2, 0.5, 0.35])

    def statistic(counts):
        shape = counts.counts.shape[:-1]
        return np.broadcast_to(values.reshape(3, *[1] * len(shape)), (3, *shape))

    options = {"level": 0.9, "replicates": 40_000, "seed": 0}
    found = over_seeds(tally.seeds()["x"], statistic, (-9, 9), options)
    expected = scipy.stats.t.interval(0.9, 2, 0.35, scipy.stats.sem(values))
    assert found.sd == pytest.approx(0.15)
    assert (found.interval.low, found.interval.high) == pytest.approx(
        expected, abs=0.01
    )


def test_frame_dict_json_and_plot():
    result = audited()
    frame = result.to_frame()
    women = frame.query("model == 'student' and group == 'f'").iloc[0]
    assert (women["examples"], women["value"]) == (100, 0.7)
    assert women["change"] == pytest.approx(-0.2)
    read = json.loads(result.to_json())
    assert read["sentence"] == result.sentence
    assert read["models"] == {"teacher": 1, "student": 1}
    assert len(read["values"]) + len(read["groups"]) == len(frame)
    assert None in [row["change"] for row in read["values"]]
    figure = result.plot_groups()
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["f (100)", "m (100)"]
    assert axes.lines[1].get_xdata() == pytest.approx(-20)
    with pytest.raises(ValueError, match=r"`model` must be one of \['student'\]"):
        result.plot_groups("teacher")
    page = result._repr_html_()
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    texts = [t.text for t in xml.etree.ElementTree.fromstring(svg).iterfind("{*}text")]
    assert texts[:3] == [
        "accuracy of student minus teacher, worst group first",
        "f (100)",
        "m (100)",
    ]


def test_predictions_that_tell_nothing_apart_are_noted():
    result = audited({"x": np.full(210, 0.3)}, scores="probabilities")
    assert result.values["x", DPD, "sex"].value == 0
    assert "the scores of all examples are equal" in str(result)
    assert "x predicts '0' for all examples" in str(result)
    one_class = audited({"x": TEACHER}, y=np.zeros(210, int), class_names=("no", "yes"))
    assert "All examples have the label 'no'" in str(one_class)


def test_contradictions_warn_by_name():
    logits = np.linspace(0.1, 0.9, 210)
    with pytest.warns(UserWarning, match=r"predictions\['x'\].* as probabilities do"):
        audited({"x": logits}, scores="logits")
    with pytest.warns(UserWarning, match="do not sum to 1"):
        audited({"x": np.full((210, 2), 0.9)}, scores="probabilities")


def test_thresholds_are_probabilities():
    p = np.linspace(0.01, 0.99, 210)
    models = {"p": p, "logits": np.log(p / (1 - p)), "two": np.stack([1 - p, p], 1)}
    scores = {"p": "probabilities", "logits": "logits", "two": "probabilities"}
    result = audited(models, scores=scores, threshold=0.71234)
    for counts in result.counts.values():
        chosen = counts.selection_rate(()).by_group[()]
        assert chosen == pytest.approx((p > 0.71234).mean())


def test_several_classes():
    y = ["a", "b", "c", "c"]
    result = kd_keras.audit_predictions(
        y,
        {
            "names": ["a", "b", "c", "a"],
            "codes": [0, 1, 2, 0],
            "scores": np.eye(3)[[0, 1, 2, 0]],
        },
        groups=pd.DataFrame({"g": [1, 1, 2, 2]}),
        class_names=("a", "b", "c"),
        min_examples=1,
        replicates=20,
    )
    assert result.counts["names"] == result.counts["codes"] == result.counts["scores"]
    assert result.values["names", "accuracy", ""].value == 0.75


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        (
            {"x": [0, 1]},
            {},
            r"`predictions\['x'\]` must have one row for each of the 210",
        ),
        ({"x": Y * 2}, {}, r"no class\. Received: 2 in row 1.*pass scores='logits'"),
        (
            {"x": Y + 1.0},
            {"y": Y + 1, "class_names": ("1", "2")},
            "may be labels or scores",
        ),
        ({"x": Y + 2.5}, {"scores": "labels"}, "Labels must be class indices"),
        (
            {"x": np.full(210, np.inf)},
            {},
            r"predictions\['x'\].* Inf in 210 of 210 rows",
        ),
        ({"x": np.full(210, np.nan)}, {}, "210 NaN of 210 values"),
        ({"x": Y * 0.7 + 0.1}, {}, r"predictions\['x'\].*Say what they are: scores="),
        ({"x": Y * 3.0}, {"scores": "probabilities"}, "Received: 3 in row 1"),
        ({"x": Y}, {"scores": {"z": "logits"}}, "`scores` must name models.* 'z'"),
        ({"x": []}, {}, r"`predictions\['x'\]` must have at least one model"),
        (
            {"x": Y},
            {"y": np.array(["a", "b"] * 105)},
            "`class_names` must give the order",
        ),
        ({"x": Y}, {"y": Y - 3}, "Column 'y_true' has a label that is no class.* -3"),
        ({"x": Y}, {"sample_weight": -Y}, "'sample_weight' .* Received: -1.0 in row 1"),
        ({"x": Y}, {"sample_weight": 0 * Y}, "must not be 0 for all"),
        (
            {"x": Y},
            {"sample_weight": [1]},
            "`sample_weight` must have one row|sample_w",
        ),
        (
            {"x": Y},
            {"groups": {"g": Y + 0.5}},
            "Column 'g' must have strings, int.* 0.5",
        ),
        (
            {"x": Y},
            {"groups": {"g": Y[:9]}},
            r"groups\['g'\] must have one row .* \(9,\)",
        ),
        (
            {"x": Y},
            {"groups": {"g": [1, "a"] * 105}},
            "'g' must have values of one type",
        ),
        ({"x": Y}, {"attributes": ["age"]}, r"`attributes` must be some of \['sex'\]"),
        ({"x": Y}, {"attributes": [("sex", "sex")]}, "tuples of different"),
        ({"x": Y}, {"attributes": "sex"}, "`attributes` must be a list"),
        ({"x": Y}, {"bins": {"age": (1, 2)}}, "`bins` names a column .* 'age'"),
        ({"x": Y}, {"gaps": ["accuracy"]}, "`gaps` must be some of"),
        ({"x": Y}, {"min_examples": -1}, "`min_examples` must be at least 0"),
        ({"x": Y}, {"replicates": 1}, "`replicates` must be at least 2"),
        ({"x": Y, "y": [Y, Y], "y[0]": Y}, {}, "names that differ"),
    ],
)
def test_bad_input(models, options, message):
    with pytest.raises(ValueError, match=message):
        audited(models, **options)


def test_integers_are_labels_and_no_logits():
    found = audited({"x": STUDENT + 1}, y=Y + 1, class_names=("1", "2"))
    assert found.values["x", "accuracy", ""].value == (STUDENT == Y).mean()
    # 1 is the first class here, as in the labels.
    ones = {"x": np.ones(210, int)}
    found = audited(ones, y=Y + 1, class_names=("1", "2"))
    assert found.values["x", "accuracy", ""].value == (Y == 0).mean()
    found = audited({"x": 2 * STUDENT - 1}, y=2 * Y - 1)
    assert found.values["x", "accuracy", ""].value == (STUDENT == Y).mean()
    found = audited({"x": 3 * STUDENT - 1}, scores="logits")
    assert found.values["x", "accuracy", ""].value == (STUDENT == Y).mean()


@pytest.mark.parametrize("threshold", [0, 1, {"x": 0.0}])
def test_a_threshold_is_between_0_and_1(threshold):
    with pytest.raises(ValueError, match=r"`threshold` must be a probability between"):
        audited({"x": np.linspace(0, 1, 210)}, scores="probabilities",
                threshold=threshold)  # fmt: skip


def test_minus_one_may_be_a_missing_group():
    labels, groups = np.array([0, 1] * 10), np.array([0, 1, 1, 0, -1] * 4)
    for given in (groups, groups.astype(float)):
        with pytest.raises(
            ValueError, match=r"`groups\['g'\]` has the group -1 beside"
        ):
            kd_keras.audit_predictions(labels, {"m": labels}, groups={"g": given})
    for given, names in (
        (np.where(groups < 0, None, groups), ("0", "1")),
        (groups.astype(str), ("-1", "0", "1")),
        (np.where(groups > 0, 1, -1), ("-1", "1")),
    ):
        found = kd_keras.audit_predictions(labels, {"m": labels}, groups={"g": given})
        assert found.counts["m"].groups == {"g": names}


def test_groups_must_be_a_table():
    with pytest.raises(TypeError, match=r"like frame\[\['sex'\]\]. Received: Series"):
        audited(groups=pd.Series(SEX))
