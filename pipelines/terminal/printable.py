"""Text that a terminal only shows: names from data are no orders to it."""

import re
from collections.abc import Iterable

# What GitHub Actions takes for an order: the first where a line begins, or is only
# indented, the second anywhere.
_ORDERS = re.compile(r"^(\s*:)(?=:)|(##)(?=\[)")


def printable(text: str) -> str:
    """The text in one line, what a terminal would obey as a Python string writes it.

    Such as a line break, an escape sequence, or `::error::`, an order to GitHub
    Actions. Text without these is returned as it is.
    """
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return _ORDERS.sub(lambda found: found.group() + "\\", shown)


def lines(found: Iterable[str]) -> str:
    """The lines as one text, each of them `printable`."""
    return "\n".join(map(printable, found))
