"""Verdicts as other tools read them: JUnit, SARIF, GitHub's annotations."""

import json
import pathlib
from xml.etree import ElementTree

import jsonschema
import pytest
from a_verdict import POLICY, REASONS, verdict
from lxml import etree

from pipelines.release.annotations import annotations
from pipelines.release.junit import to_junit
from pipelines.release.outcome import NOWHERE, Place, outcomes, place
from pipelines.release.sarif import to_sarif

ROOT = pathlib.Path(__file__).parents[3]
HERE = Place("configs/my policy.py", POLICY)
UNDECIDED = {"names": ("eod_b", "rare"), "refuse": ()}
VERDICTS = {
    "refused": verdict(),
    "refused for want of evidence": verdict(refuse=("insufficient evidence",)),
    "tolerated": verdict(refuse=()),
    "nothing decided": verdict(**UNDECIDED),
    "passed": verdict(names=("drop",)),
}
all_verdicts = pytest.mark.parametrize("found", VERDICTS.values(), ids=list(VERDICTS))


def sarif_results(found, where=HERE):
    (run,) = json.loads(to_sarif(found, where))["runs"]
    return run, run["results"]


def cases(found):
    """Name -> tag and message of what is not passed."""
    suite = ElementTree.fromstring(to_junit(found))[0]
    by_name = {}
    for case in suite.iter("testcase"):
        by_name[case.get("name")] = [
            (e.tag, e.get("type"), e.get("message"))
            for e in case
            if e.tag != "system-out"
        ]
    return suite, by_name


@all_verdicts
def test_junit_keeps_the_schema(found):
    schema = etree.XMLSchema(etree.parse(ROOT / "tests/schemas/junit-10.xsd"))
    schema.assertValid(etree.fromstring(to_junit(found)))


@all_verdicts
def test_sarif_keeps_the_schema(found):
    schema = json.loads((ROOT / "tests/schemas/sarif-2.1.0.json").read_text())
    for where in (HERE, NOWHERE):
        document = json.loads(to_sarif(found, where))
        jsonschema.Draft202012Validator(schema).validate(document)


@all_verdicts
def test_all_tools_refuse_what_the_gate_refuses(found):
    suite, by_name = cases(found)
    failures = [n for n, tags in by_name.items() for t, *_ in tags if t == "failure"]
    assert bool(failures) == (not found["blessed"])
    assert suite.get("failures") == str(len(failures))
    _, results = sarif_results(found)
    assert [r["ruleId"] for r in results if r["level"] == "error"] == failures
    errors = [a for a in annotations(found, HERE) if a.startswith("::error ")]
    assert len(errors) == len(failures)


def test_junit_has_a_case_per_condition():
    suite, by_name = cases(verdict())
    assert by_name == {
        "eod": [("failure", "failed", REASONS["eod"])],
        "eod_b": [("failure", "undecided", REASONS["eod_b"])],
        "rare": [("skipped", "insufficient evidence", REASONS["rare"])],
        "drop": [],
    }
    counts = {n: suite.get(n) for n in ("tests", "failures", "skipped", "errors")}
    assert counts == {"tests": "4", "failures": "2", "skipped": "1", "errors": "0"}
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties["export_version"] == "3"


def test_junit_shows_what_xml_cannot_hold():
    name = "a\x00\x1b\ufffe]]>\ud800"
    text = to_junit(verdict(policy=name)).decode("utf-8")
    suite = etree.fromstring(text.encode("utf-8"))[0]
    assert suite.get("name").startswith(r"a\x00\x1b\ufffe]]>\ud800: student")


def test_junit_is_xml_in_utf_8():
    text = to_junit(verdict(policy="Prüfung"))
    assert text.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
    assert 'name="Prüfung: student' in text.decode("utf-8")


def test_what_no_condition_decides_is_refused_as_a_whole():
    found = verdict(**UNDECIDED)
    (last,) = [o for o in outcomes(found) if o.kind == "refused"]
    assert (last.name, last.message) == ("policy", "no condition is passed")


def test_sarif_levels_are_those_of_the_standard():
    _, results = sarif_results(verdict())
    assert [(r["ruleId"], r["kind"], r["level"]) for r in results] == [
        ("eod", "fail", "error"),
        ("eod_b", "fail", "error"),
        # 3.27.10: a result whose kind is not "fail" has the level "none".
        ("rare", "open", "none"),
        ("drop", "pass", "none"),
    ]
    _, results = sarif_results(verdict(refuse=()))
    assert (results[0]["kind"], results[0]["level"]) == ("fail", "warning")


def test_sarif_results_name_their_rule_their_reason_and_their_line():
    run, results = sarif_results(verdict())
    rules = run["tool"]["driver"]["rules"]
    for result in results:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"] == REASONS[result["ruleId"]]
    places = [r["locations"][0]["physicalLocation"] for r in results]
    # A URI has no blanks.
    assert {p["artifactLocation"]["uri"] for p in places} == {"configs/my%20policy.py"}
    # Lines of a_verdict.POLICY.
    lines = [6, 5, 7, 8]
    assert [p["region"]["startLine"] for p in places] == lines
    # Where no line is seen to define it, the first one.
    assert (HERE.line("elsewhere"), HERE.line("eo"), NOWHERE.line("eod")) == (1, 1, 1)
    below = Place("p.py", f"\n{POLICY}")
    assert [below.line(name) for name in REASONS] == [line + 1 for line in lines]
    assert results[0]["properties"]["value"] == 0.3


def test_sarif_is_json_for_people_too_and_without_nan():
    found = verdict(names=("eod",))
    assert to_sarif(found, HERE).startswith(b'{\n  "$schema": "https://')
    found["conditions"][0]["value"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_sarif(found, HERE)


def test_annotations_are_one_line_each_and_escaped():
    found = annotations(verdict(refuse=("insufficient evidence",)), HERE)
    assert found[2] == (
        "::error file=configs/my policy.py,line=7,title=student-t04/seed0%3A rare "
        "insufficient evidence::fewer than 10 examples for a, b:%0Awomen & men <7>"
    )
    assert found[1].endswith("::the interval has the bound inside, of 95 %25 level")
    assert [a.split(" ")[0] for a in found] == ["::warning", "::warning", "::error"]
    assert all(len(a.splitlines()) == 1 for a in found)
    # A comma would end the path.
    (first, *_) = annotations(verdict(), Place("new, strict:2.py", POLICY))
    assert first.startswith("::error file=new%2C strict%3A2.py,line=6,title=")


def test_a_message_cannot_begin_another_command():
    found = verdict(names=("eod",))
    found["conditions"][0]["reason"] = "x\r\n::add-mask::y"
    (line,) = annotations(found, NOWHERE)
    assert line.endswith("::x%0D%0A::add-mask::y")
    assert line.startswith("::error title=")


def test_the_place_is_below_the_current_directory_or_a_name(tmp_path, monkeypatch):
    path = tmp_path / "policies" / "p.py"
    path.parent.mkdir()
    path.write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    assert place("policies/p.py:argument") == Place("policies/p.py", POLICY)
    monkeypatch.chdir(path.parent)
    assert place(str(path)).path == "p.py"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    # Nobody else's machine has its directories.
    assert place(str(path)).path == "p.py"
    assert place("") == NOWHERE
