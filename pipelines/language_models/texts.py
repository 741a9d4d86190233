"""What a study of language models reads: texts by whom they are about, and pairs."""

import pathlib
import re
from collections.abc import Iterator

import pandas as pd

WOMEN = frozenset({"she", "her", "hers", "herself"})
MEN = frozenset({"he", "him", "his", "himself"})
COLUMNS = ("stereotype", "other", "type")
SET = "set"
_WORDS = 20  # Lines of fewer are headings.


def read(folder: str, name: str) -> str:
    """A text below the study's folder; ValueError if it is not there."""
    return _there(folder, name).read_text(encoding="utf-8")


def paragraphs(text: str) -> list[str]:
    """The lines of a text that are no headings."""
    return [line for line in text.splitlines() if len(line.split()) > _WORDS]


def about(text: str) -> str:
    """Whether a paragraph has pronouns of women, of men, of both or of none."""
    words = {word.lower() for word in re.findall(r"[A-Za-z]+", text)}
    found = {"women": words & WOMEN, "men": words & MEN}
    named = [who for who, pronouns in found.items() if pronouns]
    return "both" if len(named) == 2 else (named or ["neither"])[0]


def pairs(folder: str, name: str) -> pd.DataFrame:
    """Pairs of sentences that differ in the group: stereotype, other, type, set.

    Args:
      folder: of the study.
      name: a CSV with these columns; or CrowS-Pairs as published, whose "sent_more" is
        the more stereotypical sentence; or the folder of WinoBias.

    Raises:
      ValueError: if it is not there, is empty, or has other columns.
    """
    path = _there(folder, name)
    if path.is_dir():
        return _wino_bias(path).assign(**{SET: "WinoBias"})
    # "None" and "nan" are words.
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    name_of_set = ""
    if {"sent_more", "sent_less", "bias_type"} <= {*table.columns}:
        names = {"sent_more": "stereotype", "sent_less": "other", "bias_type": "type"}
        table, name_of_set = table.rename(columns=names), "CrowS-Pairs"
    if not {*COLUMNS} <= {*table.columns} or table.empty:
        raise ValueError(
            f"{path} must have pairs in the columns {list(COLUMNS)}. Received: "
            f"{len(table)} rows of {list(table.columns)}."
        )
    blank = (table[["stereotype", "other"]].map(str.strip) == "").any(axis=1)
    if blank.any():
        raise ValueError(
            f"{path} must have two sentences in every row. Received: an empty one in "
            f"line {int(blank.to_numpy().argmax()) + 2}."
        )
    return table[list(COLUMNS)].assign(**{SET: name_of_set or path.stem})


def _there(folder: str, name: str) -> pathlib.Path:
    path = pathlib.Path(folder, name)
    if not path.exists():
        raise ValueError(f"{path} is not there: see config.data_dir.")
    return path


def _wino_bias(folder: pathlib.Path) -> pd.DataFrame:
    """The test sentences, which differ in a pronoun."""
    return pd.DataFrame(
        [
            {"stereotype": pro, "other": anti, "type": kind}
            for kind in ("type1", "type2")
            for pro, anti in zip(
                *(
                    _plain(_there(str(folder), f"{side}_stereotyped_{kind}.txt.test"))
                    for side in ("pro", "anti")
                ),
                strict=True,
            )
        ]
    )


def _plain(path: pathlib.Path) -> Iterator[str]:
    """Sentences without their numbers and brackets."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield re.sub(r"[\[\]]", "", line).partition(" ")[2].strip()
