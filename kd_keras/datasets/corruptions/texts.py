"""Texts as others type them, or put them: typing errors and synonyms."""

import re
from collections.abc import Callable, Sequence

import numpy as np

# Share of the characters, but spaces, that are typed wrong at severities 1 to 5.
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
# Share of the words with a synonym that become one.
SYNONYM_RATES = (0.05, 0.1, 0.2, 0.35, 0.5)
# A word in small letters -> its synonyms; none where it has to stay.
Synonyms = Callable[[str], Sequence[str]]
# Letters; with an apostrophe inside, so that "don't" is one word.
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
# A QWERTY keyboard: each row begins half a key or so to the right of the one above.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Letter -> the letters whose keys touch its own."""
    found: dict[str, str] = {}
    for r, row in enumerate(_ROWS):
        for i, key in enumerate(row):
            near = [(r, i - 1), (r, i + 1), (r - 1, i), (r - 1, i + 1)]
            near += [(r + 1, i - 1), (r + 1, i)]
            found[key] = "".join(
                _ROWS[a][b]
                for a, b in near
                if 0 <= a < len(_ROWS) and 0 <= b < len(_ROWS[a])
            )
    return found


NEIGHBOURS = _neighbours()


def typos(text: str, rate: float, rng: np.random.Generator) -> str:
    """A text with typing errors.

    Each character but spaces is typed wrong with the probability `rate`: it changes
    places with the next one, is dropped, doubled, or becomes a letter of a key beside
    its own, with equal probabilities. What has no letter key is not mistaken for
    another one, and the last character has no next one: these are doubled in place.

    Args:
      text: what was meant.
      rate: in [0, 1].
      rng: draws three numbers a character, whatever the rate.
    """
    characters = list(text)
    wrong, kind, key = rng.random((3, len(text)))
    for i in np.flatnonzero(wrong < rate)[::-1].tolist():
        meant = text[i]
        if not meant.isspace():
            _mistype(characters, i, int(4 * kind[i]), key[i])
    return "".join(characters)


def synonyms(text: str, rate: float, of: Synonyms, rng: np.random.Generator) -> str:
    """A text in other words.

    Each word that has synonyms becomes one of them with the probability `rate`, all
    with equal probabilities, and begins with a capital, or is of capitals, as it was.

    Args:
      text: what was said.
      rate: in [0, 1].
      of: gives the synonyms.
      rng: draws two numbers a word, whatever the rate.
    """
    words = list(_WORD.finditer(text))
    drawn = rng.random((2, len(words)))
    parts, end = [], 0
    for word, replaced, which in zip(words, *drawn, strict=True):
        found = of(word[0].lower()) if replaced < rate else ()
        said = _cased(found[int(which * len(found))], word[0]) if found else word[0]
        parts += [text[end : word.start()], said]
        end = word.end()
    return "".join([*parts, text[end:]])


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[0].upper() + word[1:] if like[0].isupper() else word


def _mistype(characters: list[str], i: int, kind: int, key: float) -> None:
    """Changes the character `i`; those after it are as they shall be."""
    meant = characters[i]
    near = NEIGHBOURS.get(meant.lower(), "")
    if kind == 0 and i + 1 < len(characters):
        characters[i : i + 2] = characters[i + 1], meant
    elif kind == 1:
        del characters[i]
    elif kind == 3 and near:
        typed = near[int(key * len(near))]
        characters[i] = typed.upper() if meant.isupper() else typed
    else:
        characters[i] = meant * 2
