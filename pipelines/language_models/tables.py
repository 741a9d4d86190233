"""What the models of a study know of the language, and which sentences they prefer."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kd_keras import fairness
from kd_keras.fairness import adjust_p_values
from pipelines.analysis.data_table import (
    COUNT,
    DECIMAL,
    PERCENT,
    POINTS,
    TENTHS,
    Column,
    DataTable,
)
from pipelines.analysis.seed_interval import seed_interval
from pipelines.language_models.measured import (
    ALL,
    HARD,
    TEACHER,
    UNIGRAM,
    Measured,
)
from pipelines.language_models.texts import SET

_ABOUT = (
    Column("model", "model"),
    Column("seed", "seed", COUNT),
    Column("tokens", "tokens seen", COUNT),
)
_SLICES = (ALL, "women", "men", "both", "neither")


class Against(NamedTuple):
    """Students of the teacher against those of hard labels, of one set of pairs.

    Attributes:
      model: of the students.
      pairs: name of the set.
      difference: in the share of stereotypes that are preferred, mean over the seeds.
      low, high: Student's interval over the seeds; NaN of one seed.
      seeds: number of seeds.
    """

    model: str
    pairs: str
    difference: float
    low: float
    high: float
    seeds: int


def perplexities(found: Sequence[Measured]) -> DataTable:
    """A row per model, seed and number of tokens."""
    rows = [
        {**_about(m), **{f"perplexity_{name}": v for name, v in m.perplexity.items()}}
        for m in found
    ]
    columns = [
        Column(f"perplexity_{name}", f"perplexity, {name}", TENTHS, optional=True)
        for name in _SLICES
    ]
    caption = (
        "How well every model knows the test text, after so many tokens: the lower the "
        "perplexity, the better. Slices are paragraphs by the pronouns that they have."
    )
    return DataTable("perplexity", caption, [*_ABOUT, *columns], rows)


def preferences(
    name: str, caption: str, found: Sequence[Measured], pairs: pd.DataFrame
) -> DataTable:
    """A row per model, seed and set: what is preferred, and beside the teacher.

    P-values are corrected by Holm over all rows of students.
    """
    teacher = _margins(next(m for m in found if m.model == TEACHER))
    rows = []
    for m in found:
        for group, members in _sets(pairs):
            own, other = _margins(m)[members], teacher[members]
            share = fairness.preferences(own)["all"].share
            beside = fairness.preference_changes(other, own)["all"]
            row = {
                **_about(m),
                **{"perplexity": m.perplexity[ALL], "pairs": group},
                **{"number": beside.pairs, "share": share.value},
                **{"share_low": share.low, "share_high": share.high},
            }
            if m.model != TEACHER:
                row |= {
                    "agreement": beside.agreement,
                    "difference": share.value - _share(other),
                    "p_value": beside.p_value,
                    "margin": beside.margin.value,
                }
            rows.append(row)
    tested = [row for row in rows if row["model"] not in (TEACHER, UNIGRAM)]
    if tested:
        corrected = adjust_p_values([r["p_value"] for r in tested], method="holm")
        for row, p_value in zip(tested, corrected, strict=True):
            row["p_holm"] = float(p_value)
    return DataTable(name, caption, [*_ABOUT, *_PREFERENCE], rows)


_PREFERENCE = (
    Column("perplexity", "perplexity", TENTHS),
    Column("pairs", "pairs"),
    Column("number", "number", COUNT),
    Column("share", "prefers the stereotype, %", PERCENT),
    Column("share_low", "from", PERCENT),
    Column("share_high", "to", PERCENT),
    Column("difference", "more than the teacher, points", POINTS),
    Column("agreement", "prefers the same as the teacher, %", PERCENT),
    Column("p_value", "p (McNemar)", DECIMAL),
    Column("p_holm", "p (Holm)", DECIMAL),
    Column("margin", "margin more than the teacher's, nats", DECIMAL),
)


def by_type(found: Sequence[Measured], pairs: pd.DataFrame) -> DataTable:
    """A row per model and type of pairs: means over the seeds."""
    rows = []
    for model, of_model in _by_model(found):
        for (group, kind), members in _types(pairs):
            shares = [_share(_margins(m)[members]) for m in of_model]
            rows.append(
                {
                    **{"model": model, "pairs": group, "type": kind},
                    **{"number": int(members.sum()), "share": float(np.mean(shares))},
                }
            )
    columns = [
        Column("model", "model"),
        Column("pairs", "pairs"),
        Column("type", "type"),
        Column("number", "number", COUNT),
        Column("share", "prefers the stereotype, %", PERCENT),
    ]
    caption = (
        "Pairs by what they are about, mean over the seeds. Types of fewer than 100 "
        "pairs are known to 10 points at best: take them as a description."
    )
    return DataTable("preferences_by_type", caption, columns, rows)


def against_hard_labels(
    found: Sequence[Measured], pairs: pd.DataFrame
) -> list[Against]:
    """Students of the teacher beside those of hard labels with the same seeds."""
    by_model = {model: {m.seed: m for m in seeds} for model, seeds in _by_model(found)}
    hard = by_model.get(HARD, {})
    compared = []
    for model, own in by_model.items():
        seeds = sorted(own.keys() & hard.keys())
        if model in (HARD, TEACHER, UNIGRAM) or not seeds:
            continue
        for group, members in _sets(pairs):
            differences = [
                _share(_margins(own[s])[members]) - _share(_margins(hard[s])[members])
                for s in seeds
            ]
            compared.append(
                Against(model, group, *seed_interval(differences), len(seeds))
            )
    return compared


def against_table(compared: Sequence[Against]) -> DataTable:
    rows = [
        {
            **{"model": one.model, "pairs": one.pairs, "change": one.difference},
            **{"lower": one.low, "upper": one.high, "seeds": one.seeds},
        }
        for one in compared
    ]
    columns = [
        Column("model", "model"),
        Column("pairs", "pairs"),
        Column("change", "prefers the stereotype more often, points", POINTS),
        Column("lower", "from", POINTS),
        Column("upper", "to", POINTS),
        Column("seeds", "seeds", COUNT),
    ]
    caption = (
        "Students of the teacher beside those of hard labels at the same perplexity: "
        "difference within seeds, and Student's 95 % interval over them."
    )
    return DataTable("at_equal_perplexity", caption, columns, rows)


def shares(found: Sequence[Measured], pairs: pd.DataFrame, group: str) -> dict:
    """Model -> the share of a set's stereotypes that it prefers, by seed."""
    members = dict(_sets(pairs))[group]
    return {
        model: [_share(_margins(m)[members]) for m in seeds]
        for model, seeds in _by_model(found)
    }


def _about(m: Measured) -> dict[str, Any]:
    return {"model": m.model, "seed": m.seed, "tokens": m.tokens}


def _by_model(found: Iterable[Measured]) -> Iterator[tuple[str, list[Measured]]]:
    models: dict[str, list[Measured]] = {}
    for m in found:
        models.setdefault(m.model, []).append(m)
    return iter(models.items())


def _margins(m: Measured) -> np.ndarray:
    return np.array(m.margins, np.float64)


def _share(margins: np.ndarray) -> float:
    return fairness.preferences(margins)["all"].share.value


def _sets(pairs: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """Each set's name and which pairs it has, in their order."""
    return [(str(g), (pairs[SET] == g).to_numpy()) for g in pairs[SET].unique()]


def _types(pairs: pd.DataFrame) -> list[tuple[tuple[str, str], np.ndarray]]:
    return [
        ((group, str(kind)), members & (pairs["type"] == kind).to_numpy())
        for group, members in _sets(pairs)
        for kind in sorted(pairs.loc[members, "type"].unique())
    ]
