"""Which of two sentences a language model finds likelier: the stereotype or not.

Sentences come in pairs that differ in the group that they are about, as in CrowS-Pairs
(Nangia et al. 2020, https://arxiv.org/abs/2010.00133) or WinoBias (Zhao et al. 2018,
https://arxiv.org/abs/1804.06876). The margin of a pair is the log-likelihood of the
stereotypical sentence minus that of the other one.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

from kd_keras.fairness.encoding import check_length
from kd_keras.fairness.intervals import Interval, check_level, wilson
from kd_keras.fairness.mcnemar import mcnemar
from kd_keras.table import fields_html

ALL = "all"


@dataclasses.dataclass(frozen=True)
class Preference:
    """How often a model prefers the stereotype.

    Attributes:
      pairs: number of pairs.
      share: share of pairs whose stereotypical sentence is the likelier one; a tie
        counts half. 0.5 is no preference. Wilson interval.
    """

    pairs: int
    share: Interval

    _repr_html_ = fields_html


@dataclasses.dataclass(frozen=True)
class PreferenceChange:
    """A model beside a reference, on the same pairs.

    Attributes:
      pairs: number of pairs.
      agreement: share of pairs of which both prefer the same sentence, or none.
      only_reference, only_model: pairs of which only one prefers the stereotype.
      p_value: exact McNemar test of these two numbers.
      margin: mean of the model's margin minus the reference's, in nats, with Student's
        t interval over the pairs.
    """

    pairs: int
    agreement: float
    only_reference: int
    only_model: int
    p_value: float
    margin: Interval

    _repr_html_ = fields_html


def preferences(
    margins: Sequence[float] | np.ndarray,
    types: Sequence[str] | None = None,
    *,
    level: float = 0.95,
) -> dict[str, Preference]:
    """How often a model prefers the stereotype, of all pairs and by type.

    Args:
      margins: of each pair, in nats, `[pairs]`.
      types: what each pair is about, such as "gender", `[pairs]`; None for no types.
      level: nominal coverage of the intervals, in (0, 1).

    Returns:
      "all" and the types, sorted -> a `Preference`. Types of few pairs have wide
      intervals: take them as a description.

    Raises:
      ValueError: if there is no pair, a margin is not finite, or lengths differ.
    """
    margins = _checked("margins", margins)
    stereotype = np.where(margins == 0, 0.5, margins > 0)
    return {
        name: _preference(stereotype[chosen], level)
        for name, chosen in _by_type(types, len(margins)).items()
    }


def preference_changes(
    reference: Sequence[float] | np.ndarray,
    margins: Sequence[float] | np.ndarray,
    types: Sequence[str] | None = None,
    *,
    level: float = 0.95,
) -> dict[str, PreferenceChange]:
    """What changes from a reference, such as the teacher, to a model.

    Compare models of the same perplexity: one that is worse at everything also
    prefers less.

    Args:
      reference: the reference's margins, `[pairs]`.
      margins: the model's, of the same pairs in the same order.
      types, level: as in `preferences`.

    Returns:
      "all" and the types, sorted -> a `PreferenceChange`. In the McNemar test a tie is
      no preference for the stereotype.

    Raises:
      ValueError: as `preferences`.
    """
    check_level(level)
    before, after = _checked("reference", reference), _checked("margins", margins)
    check_length("margins", after, len(before))
    return {
        name: _change(before[chosen], after[chosen], level)
        for name, chosen in _by_type(types, len(before)).items()
    }


def _preference(stereotype: np.ndarray, level: float) -> Preference:
    pairs, preferred = len(stereotype), stereotype.sum()
    low, high = wilson(preferred, pairs, level=level)
    share = Interval(float(preferred / pairs), float(low), float(high), level)
    return Preference(pairs, share)


def _change(before: np.ndarray, after: np.ndarray, level: float) -> PreferenceChange:
    was, now = before > 0, after > 0
    only = int((was & ~now).sum()), int((now & ~was).sum())
    moved = after - before
    low = high = np.nan
    if len(moved) > 1:
        half = stats.sem(moved) * stats.t.ppf((1 + level) / 2, len(moved) - 1)
        low, high = moved.mean() - half, moved.mean() + half
    margin = Interval(float(moved.mean()), float(low), float(high), level)
    same = float((np.sign(before) == np.sign(after)).mean())
    return PreferenceChange(len(moved), same, *only, float(mcnemar(*only)), margin)


def _checked(name: str, margins: Sequence[float] | np.ndarray) -> np.ndarray:
    found = np.asarray(margins, np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ValueError(
            f"`{name}` must be finite numbers [pairs], at least one. Received: shape "
            f"{found.shape}, {int((~np.isfinite(found)).sum())} not finite. Look for "
            "empty sentences, or weights that are not finite."
        )
    return found


def _by_type(types: Sequence[str] | None, pairs: int) -> dict[str, np.ndarray]:
    everything = {ALL: np.ones(pairs, bool)}
    if types is None:
        return everything
    names = np.array([*types, None], object)[:-1]
    check_length("types", names, pairs)
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise ValueError(
            f"`types` must be strings. Received: {odd[0]!r}. Name what has no type."
        )
    if ALL in names:
        raise ValueError(
            f"`types` must not have the name {ALL!r}, which stands for all pairs. "
            "Rename that type."
        )
    return everything | {name: names == name for name in sorted({*names})}
