"""Commands as a person types them."""

import shlex
from collections.abc import Iterable


def command(words: Iterable[str]) -> str:
    """The words as a shell takes them; a tuple of names stays readable."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if "'" in word and not any(c in word for c in '"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)
