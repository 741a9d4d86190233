"""What people are told of a verdict: the same words wherever it is said."""

from collections.abc import Mapping, Sequence
from typing import Any


def word(content: Mapping[str, Any]) -> str:
    """BLESSED, with what the policy tolerates, or NOT_BLESSED, and why.

    Args:
      content: what verdict.json holds.
    """
    if content["blessed"]:
        return "BLESSED" + tolerating(tolerated(content))
    return f"NOT_BLESSED, {content['reason']}"


def tolerated(content: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The conditions that a blessed model does not pass, such as "eod (failed)".

    Args:
      content: what verdict.json holds; None without a verdict.
    """
    if not content or not content["blessed"]:
        return ()
    return tuple(
        f"{condition['name']} ({condition['status']})"
        for condition in content.get("conditions", ())
        if condition["status"] != "passed"
    )


def tolerating(names: Sequence[str]) -> str:
    """How a sentence of a blessed model goes on; "" where nothing is tolerated."""
    return f", and the policy tolerates: {', '.join(names)}" if names else ""
