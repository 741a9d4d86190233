"""What a verdict's conditions mean to a tool that shows tests or alerts."""

import pathlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

PASSED, REFUSED, TOLERATED = "passed", "refused", "tolerated"


class Outcome(NamedTuple):
    """One condition of a verdict.

    Attributes:
      name: of the condition; "policy" for what is about no single one.
      kind: PASSED; REFUSED: it refuses the release; TOLERATED: it was not passed, and
        the policy does not refuse for it.
      status: of the condition, as in verdict.json.
      message: why, for people.
      condition: as in verdict.json; empty for what is about no single one.
    """

    name: str
    kind: str
    status: str
    message: str
    condition: Mapping[str, Any]


class Place(NamedTuple):
    """Where a policy says what its conditions are; empty where nobody knows.

    Attributes:
      path: of the policy's file, as it is below the current directory.
      text: what the file holds.
    """

    path: str = ""
    text: str = ""

    def line(self, name: str) -> int:
        """The line that defines a condition, from 1; 1 where none is seen to."""
        n = re.escape(name)
        here = rf"conditions(\.{n}(?!\w)|\[['\"]{n}['\"]\])|['\"]{n}['\"]\s*:"
        found = re.search(here, self.text)
        return self.text.count("\n", 0, found.start()) + 1 if found else 1


NOWHERE = Place()


def place(policy_file: str) -> Place:
    """The place of a policy; without a path outside of the current directory."""
    if not policy_file:
        return NOWHERE
    path = pathlib.Path(policy_file.partition(":")[0]).resolve()
    here = pathlib.Path.cwd()
    below = path.is_relative_to(here)
    name = path.relative_to(here).as_posix() if below else path.name
    return Place(name, path.read_text("utf-8"))


def outcomes(verdict: Mapping[str, Any]) -> list[Outcome]:
    """One outcome a condition; one more where no condition says why it is refused."""
    found = [
        Outcome(c["name"], _kind(verdict, c), c["status"], c["reason"], c)
        for c in verdict["conditions"]
    ]
    if not verdict["blessed"] and not any(o.kind == REFUSED for o in found):
        found.append(Outcome("policy", REFUSED, "undecided", verdict["reason"], {}))
    return found


def _kind(verdict: Mapping[str, Any], condition: Mapping[str, Any]) -> str:
    if condition["status"] == "passed":
        return PASSED
    return REFUSED if condition["status"] in verdict["refuse"] else TOLERATED
