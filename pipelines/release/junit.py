"""A verdict as JUnit XML, which CI servers show as tests."""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from pipelines.release.outcome import REFUSED, TOLERATED, outcomes

FILE = "junit.xml"
# What XML 1.0 cannot hold, escaped or not.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(verdict: Mapping[str, Any]) -> bytes:
    """A test case per condition, in a suite of the run.

    A condition that refuses the release is a failure. One that was not passed and that
    the policy tolerates is skipped, so that the suite fails where the model is not
    blessed and only there.

    Args:
      verdict: what verdict.json holds.

    Returns:
      XML in UTF-8, of the form that Jenkins' xUnit plugin describes.
    """
    found = outcomes(verdict)
    kinds = [outcome.kind for outcome in found]
    counts = {
        "tests": str(len(found)),
        "failures": str(kinds.count(REFUSED)),
        "errors": "0",
    }
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": _text(f"{verdict['policy']}: {verdict['run']}"),
            **counts,
            "skipped": str(kinds.count(TOLERATED)),
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("export_digest", "export_version", "split", "examples", "level"):
        about = {"name": name, "value": _text(verdict[name])}
        ElementTree.SubElement(properties, "property", about)
    tags = {REFUSED: "failure", TOLERATED: "skipped"}
    for outcome in found:
        names = {"classname": _text(verdict["policy"]), "name": _text(outcome.name)}
        case = ElementTree.SubElement(suite, "testcase", names)
        message = _text(outcome.message)
        if outcome.kind in tags:
            about = {"type": outcome.status, "message": message}
            tag = ElementTree.SubElement(case, tags[outcome.kind], about)
            tag.text = message
        else:
            ElementTree.SubElement(case, "system-out").text = message
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _text(value: object) -> str:
    """The value as text that XML can hold; else as a Python string writes it."""
    return _NO_XML.sub(lambda found: ascii(found.group())[1:-1], str(value))
