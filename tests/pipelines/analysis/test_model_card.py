"""Model cards and the draft of Annex IV, of a run whose answers are counted by hand."""

import copy
import json
import pathlib

import jsonschema
import pytest
import release_study as study
import tensorflow as tf
from test_gate_card import DOCUMENT, RECORD, made_card

from pipelines.analysis import annex_iv, model_card
from pipelines.report import card_page

ROOT = pathlib.Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "tests/schemas/model_card_v0.0.2.json").read_text())
RUN = "student-t04/seed0"


@pytest.fixture(scope="module")
def card():
    return made_card()


def toolkit(card, found=None):
    return model_card.to_toolkit(card, study.SPEC, RUN, "3", found or {})


def metrics_of(document):
    metrics = document["quantitative_analysis"]["performance_metrics"]
    return {(m["type"], m.get("slice")): m for m in metrics}


def annex(card, verdict=None, written=None):
    record = {**RECORD, "seconds": 61.7}
    items = annex_iv.draft(card, toolkit(card), record, verdict, written or {})
    return {item.number: item for item in items}


def test_it_keeps_the_schema_of_model_card_toolkit(card):
    jsonschema.Draft7Validator(SCHEMA).validate(toolkit(card))


def test_numbers_and_names_are_those_of_the_run(card):
    document = toolkit(card)
    found = metrics_of(document)
    # By hand: 66 of 80, and 30 of 40 in b.
    assert float(found["accuracy", None]["value"]) == pytest.approx(66 / 80)
    of_b = found["accuracy", "side=b"]
    assert float(of_b["value"]) == pytest.approx(30 / 40)
    assert float(of_b["confidence_interval"]["lower_bound"]) < 0.75
    assert float(found["equalized_odds_difference", "side"]["value"]) == (
        pytest.approx(0.3)
    )
    details = document["model_details"]
    assert details["name"] == "by_hand: student-t04/seed0"
    assert details["overview"] == (
        "lenet5 that tells 2 classes of by_hand apart, distilled at T=4 and alpha=0.8."
    )
    (data,) = document["model_parameters"]["data"]
    assert data["sensitive"]["sensitive_data"] == ["side: a, b"]
    assert document["model_parameters"]["input_format_map"] == [
        {"key": "x", "value": "float32 [3]"}
    ]
    # Of a: 18 + 18 of 40.
    assert model_card.extremes(card) == [
        "By side, it is right for 75 % of b (40 examples), and for 90 % of a (40 "
        "examples)."
    ]


def test_an_undefined_number_says_why(card):
    changed = copy.deepcopy(card)
    changed["evaluation"]["gaps"]["side"]["accuracy_gap"] = {
        **{"value": None, "low": None, "high": None, "reason": "one group"},
    }
    document = toolkit(changed)
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    assert metrics_of(document)["accuracy_gap", "side"]["value"] == "one group"
    assert "one group" in card_page.model_card_html(document, [])


def test_what_a_person_wrote_is_kept_and_what_is_measured_is_not(card):
    edited = toolkit(card)
    edited["model_details"]["owners"] = [{"name": "Ada", "contact": "ada@example.org"}]
    edited["model_details"]["version"]["date"] = "2026-11-29"
    edited["considerations"]["use_cases"] = [{"description": "Sorting <applications>."}]
    edited["model_details"]["name"] = "something else"
    edited["quantitative_analysis"]["performance_metrics"] = []
    again = toolkit(card, edited)
    jsonschema.Draft7Validator(SCHEMA).validate(again)
    assert again["model_details"]["owners"] == edited["model_details"]["owners"]
    assert again["model_details"]["version"] == {"name": "3", "date": "2026-11-29"}
    assert again["considerations"] == edited["considerations"]
    assert again["model_details"]["name"] == "by_hand: student-t04/seed0"
    assert len(again["quantitative_analysis"]["performance_metrics"]) == 6
    html = card_page.model_card_html(again, ["Of b it is <wrong>."])
    assert "Ada; ada@example.org" in html
    assert "Sorting &lt;applications&gt;." in html
    assert "Of b it is &lt;wrong&gt;." in html
    # Users, limitations, trade-offs, risks, description, licences, references and
    # citations are still open.
    assert html.count(card_page.TO_FILL_IN) == 8


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("model_details", "owners", "Ada"),
        ("model_details", "documentation", ["text"]),
        ("considerations", "users", [{"description": 3}]),
    ],
)
def test_a_field_of_another_form_is_named(card, section, name, value):
    edited = toolkit(card)
    edited[section][name] = value
    with pytest.raises(ValueError, match=rf"model_card.json: {section}.{name} must be"):
        toolkit(card, edited)


def test_the_annex_has_what_the_data_know_and_leaves_the_rest_to_a_person(card):
    items = annex(card)
    assert list(items) == list(annex_iv.ITEMS)
    open_points = [number for number, item in items.items() if not item.known]
    assert open_points == [
        *("1(b)", "1(d)", "1(e)", "1(f)", "1(g)", "1(h)"),
        *("2(e)", "2(f)", "2(h)", "5", "7", "8", "9"),
    ]
    assert "Trained for 1 epochs in 62 seconds." in " ".join(items["2(c)"].known)
    assert items["2(b)"].known[0] == (
        "It is optimised for 0.8 times the divergence from the teacher's probabilities "
        "at temperature 4 (and T^2 = 16), plus 0.2 times the cross-entropy to the "
        "labels."
    )
    assert "is right for 82.5 %" in items["2(g)"].known[0]
    assert items["2(g)"].known[-1] == "The gate has not judged this export."
    assert items["6"].known == [f"Revision of the code: {DOCUMENT['git_revision']}."]


def test_the_page_of_the_annex_marks_what_is_open(card):
    verdict = {"blessed": False, "reason": "conditions not kept: eod", "policy": "p"}
    items = annex(card, verdict, {"5": "See <our> register."})
    html = card_page.annex_html(toolkit(card), list(items.values()))
    assert "The gate, by the policy p: NOT_BLESSED, conditions not kept: eod." in html
    assert "See &lt;our&gt; register." in html
    marks = html.count(card_page.TO_FILL_IN)
    partly = html.count("The rest: for a person to fill in.")
    # 23 points: 13 of which nothing is known, less the one that is written.
    assert (marks, partly, len(items)) == (12, 10, 23)
    assert "://" not in html


def test_a_point_that_the_annex_has_not_is_named(card):
    with pytest.raises(ValueError, match=r"Received: '2\(z\)'"):
        annex(card, written={"2(z)": "text"})


def changed(card, **parts):
    return {**copy.deepcopy(card), **parts}


def test_what_a_model_is_in_one_line(card):
    what = "lenet5 that tells 2 classes of by_hand apart"
    made = {**card["distillation"], "temperature": 2.5, "method": "MinDiff"}
    for parts, line in (
        ({"distillation": None}, f"{what}, trained without a teacher."),
        (
            {"distillation": made},
            f"{what}, distilled at T=2.5 and alpha=0.8, mended while it was trained by "
            "MinDiff.",
        ),
        (
            {"mitigation": {"method": "thresholds"}},
            f"{what}, distilled at T=4 and alpha=0.8, with what mends it behind it.",
        ),
    ):
        assert model_card.overview(changed(card, **parts)) == line


def of_groups(card, **groups):
    """Groups of a side: right answers, of so many examples."""
    evaluation = copy.deepcopy(card["evaluation"])
    evaluation["groups"] = {
        "side": {
            name: {"value": value, "low": None, "high": None, "examples": size}
            for name, (value, size) in groups.items()
        }
    }
    return changed(card, evaluation=evaluation)


def test_groups_of_too_few_are_no_extremes(card):
    # Ten are needed.
    groups = {"a": (0.9, 40), "b": (0.5, 10), "c": (0.1, 9), "d": (None, 40)}
    assert model_card.extremes(of_groups(card, **groups)) == [
        "By side, it is right for 50 % of b (10 examples), and for 90 % of a (40 "
        "examples)."
    ]
    del groups["b"]
    assert model_card.extremes(of_groups(card, **groups)) == []


def test_the_data_have_their_path_or_their_name(card):
    (data,) = toolkit(card)["model_parameters"]["data"]
    assert data["name"] == "people.csv"
    named = changed(card, data={k: v for k, v in card["data"].items() if k != "path"})
    (data,) = toolkit(named)["model_parameters"]["data"]
    assert data["name"] == "table"
    assert data["description"] == (
        "Trained on its training split, evaluated on 80 examples of its test split. "
        "Classes: no, yes."
    )
    parameters = toolkit(card)["model_parameters"]
    assert parameters["model_architecture"] == "lenet5, 6 parameters"
    assert parameters["output_format_map"] == [
        {"key": "0", "value": "no"},
        {"key": "1", "value": "yes"},
    ]


def test_an_undefined_number_without_a_reason_is_called_so(card):
    evaluation = copy.deepcopy(card["evaluation"])
    nothing = {"value": None, "low": None, "high": None}
    evaluation["gaps"]["side"]["accuracy_gap"] = nothing
    evaluation["gaps"]["side"]["equalized_odds_difference"] = {**nothing, "low": 0.1}
    found = metrics_of(toolkit(changed(card, evaluation=evaluation)))
    assert found["accuracy_gap", "side"] == {
        **{"type": "accuracy_gap", "value": "undefined", "slice": "side"}
    }
    eod = found["equalized_odds_difference", "side"]
    assert eod["confidence_interval"] == {"lower_bound": "0.100000"}
    assert "slice" not in found["accuracy", None]


def test_the_shape_of_a_scalar_is_left_out():
    scalar, matrix = (tf.TensorSpec(shape, tf.int64) for shape in ((), (2, 3)))
    assert model_card._shape(scalar) == []
    assert model_card._shape(matrix) == ["[2, 3]"]


def test_the_annex_of_a_student_without_a_teacher(card):
    items = annex(changed(card, distillation=None, git_revision=None, versions={}))
    assert items["2(a)"].known == [
        "lenet5 that tells 2 classes of by_hand apart, trained without a teacher."
    ]
    assert items["2(b)"].known[0] == (
        "It is optimised for the cross-entropy to the labels."
    )
    assert list(items["1(c)"].known) == list(items["6"].known) == []
    assert annex(card)["1(c)"].known == ["keras 3.15.1."]
    assert annex(card)["2(a)"].known[1] == (
        f"SHA-256 of the teacher's weights: {'f' * 64}."
    )
    assert annex(card)["1(a)"].known == ["by_hand: student-t04/seed0, version 3."]


def test_the_annex_names_gaps_that_are_defined(card):
    known = annex(card)["2(g)"].known
    assert known[0].startswith("On 80 examples of the test split it is right for 82.5")
    assert known[1].startswith("Between groups: demographic parity difference by side:")
    assert known[1].count(" by side: ") == 3
    assert "equalized odds difference by side: 0.300 (" in known[1]
    evaluation = copy.deepcopy(card["evaluation"])
    for name in evaluation["gaps"]["side"]:
        evaluation["gaps"]["side"][name]["low"] = None
    known = annex(changed(card, evaluation=evaluation))["2(g)"].known
    assert len(known) == 2


def test_the_annex_says_what_the_gate_said_and_what_is_optimised(card):
    verdict = {"blessed": True, "reason": "all kept", "policy": "p"}
    assert annex(card, verdict)["2(g)"].known[-1] == (
        "The gate, by the policy p: BLESSED."
    )
    conditions = [
        {"name": "eod", "status": "failed"},
        {"name": "a", "status": "passed"},
    ]
    assert annex(card, verdict | {"conditions": conditions})["2(g)"].known[-1] == (
        "The gate, by the policy p: BLESSED, and the policy tolerates: eod (failed)."
    )
    made = {**card["distillation"], "scale_by_temperature_squared": False}
    known = annex(changed(card, distillation=made))["2(b)"].known[0]
    assert "at temperature 4, plus 0.2 times" in known
    made = {**card["distillation"], "hints": {"feature": {"weight": 2.0}}}
    made |= {
        "method": "group_dro",
        "method_options": {"eta": 0.01},
        "soft_loss": "dist",
    }
    assert annex(changed(card, distillation=made))["2(b)"].known[0] == (
        "It is optimised for the soft loss dist and the method group_dro (eta=0.01) "
        "and hints (feature), at alpha 0.8 and temperature 4, beside the cross-entropy "
        "to the labels."
    )
    assert annex(card)["2(d)"].known[-1] == (
        "Sensitive attributes and their groups: side: a, b."
    )
    data = {**card["data"], "attributes": {}}
    assert len(annex(changed(card, data=data))["2(d)"].known) == 1
    assert annex(card)["4"].known == [
        "Measured are accuracy, demographic parity difference, equalized odds "
        "difference, accuracy gap."
    ]


def test_what_a_person_wrote_must_be_texts(card):
    with pytest.raises(ValueError, match=r"Received: '5': 3\."):
        annex(card, written={"5": 3})
    assert annex(card, written={"5": "A register."})["5"].by_a_person == "A register."
    assert annex(card)["5"].by_a_person == ""


@pytest.mark.parametrize("found", [{"model_details": 3}, {"considerations": "none"}])
def test_a_section_of_another_form_is_named(card, found):
    (section,) = found
    with pytest.raises(ValueError, match=rf"model_card.json: {section}\."):
        toolkit(card, found)


def test_dates_that_are_no_texts_are_not_kept(card):
    details = {"version": {"date": 3, "diff": "more data", "name": "9"}}
    kept = toolkit(card, {"model_details": details})["model_details"]["version"]
    assert kept == {"name": "3", "diff": "more data"}


def test_the_attribute_with_the_worst_group_comes_first(card):
    def of(value):
        return {"value": value, "low": None, "high": None, "examples": 40}

    groups = {
        "age": {"old": of(0.9), "young": of(0.8)},
        "side": {"a": of(0.5), "b": of(0.6)},
    }
    evaluation = card["evaluation"] | {"groups": groups}
    first, second = model_card.extremes(changed(card, evaluation=evaluation))
    assert first.startswith("By side, it is right for 50 % of a")
    assert second.startswith("By age, it is right for 80 % of young")
