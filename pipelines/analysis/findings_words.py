"""What a verdict means, in words that come before its numbers."""

from typing import NamedTuple

import numpy as np

from pipelines.analysis.findings_claims import Claim
from pipelines.analysis.findings_tests import CONFIRMED, REFUTED

_MOST_POINTS = 100  # No share changes by more.
_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve"),
)


class Judged(NamedTuple):
    """A claim and what its seeds say.

    Attributes:
      claim: what was claimed.
      verdict: "confirmed", "refuted" or "not decided"; "" for a control.
      value, low, high: observed effect and the ends of its 95 % interval over seeds.
      p: two-sided, corrected for all claims that are judged together.
      detectable: the smallest effect seen in 80 % of studies like this one; of a
        claim about ranks the smallest correlation that would have decided.
    """

    claim: Claim
    verdict: str
    value: float
    low: float
    high: float
    p: float
    detectable: float


def sentence(found: Judged) -> str:
    """Such as: three seeds could only have seen a change of 4.0 points; ..."""
    claim = found.claim
    if claim.obstacle:
        return f"no verdict: {claim.obstacle}"
    if np.isnan(found.value):
        return "undefined here: too few examples, or nothing to compare"
    if claim.rank is not None:
        return _of_ranks(found)
    seen = f"{_signed(found.value)} {claim.unit}"
    if not np.isnan(found.low):
        seen += f" ({_signed(found.low)} to {_signed(found.high)})"
    if found.verdict == CONFIRMED:
        return f"yes: {seen}"
    if found.verdict == REFUTED and found.value * claim.sign < 0 and _one_sided(found):
        return f"no, it is the other way round: {seen}"
    if found.verdict == REFUTED and claim.published:
        published = _amount(abs(claim.published.value))
        return (
            f"no: surely below a quarter of the published {published} {claim.unit}: "
            f"{seen}"
        )
    if np.isnan(found.detectable):
        why = (
            "one seed shows no spread"
            if claim.seeds < 2
            else f"{seeds(claim.seeds)} with equal values show no spread"
        )
        return f"{why}; here {seen}"
    if claim.unit.startswith("points") and found.detectable > _MOST_POINTS:
        return f"{seeds(claim.seeds)} could not have seen any change; here {seen}"
    return (
        f"{seeds(claim.seeds)} could only have seen a change of "
        f"{_amount(found.detectable)} {claim.unit}; here {seen}"
    )


def _one_sided(found: Judged) -> bool:
    return found.low > 0 or found.high < 0


def _of_ranks(found: Judged) -> str:
    seen = f"a {found.claim.unit} of {_signed(found.value)}"
    if found.verdict == CONFIRMED:
        return f"yes: {seen}"
    if found.verdict == REFUTED:
        return f"no, it is the other way round: {seen}"
    if np.isnan(found.detectable):
        return f"no order of so few temperatures can decide; here {seen}"
    return (
        f"{seeds(found.claim.seeds)} at these temperatures decide from a "
        f"{found.claim.unit} of {_amount(found.detectable)} on; here {seen}"
    )


def seeds(number: int) -> str:
    """Such as: three seeds."""
    word = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{word} seed{'' if number == 1 else 's'}"


def total(judged: list[Judged]) -> str:
    """How many claims have which verdict."""
    verdicts = [one.verdict for one in judged if not one.claim.obstacle]
    if not verdicts:
        return "No claim can be judged on these runs."
    counts = {name: verdicts.count(name) for name in dict.fromkeys(verdicts)}
    parts = [f"{count} {name}" for name, count in sorted(counts.items())]
    return f"Of {len(verdicts)} claims: {', '.join(parts)}."


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return text[1:] if not text.strip("+-0.") else text


def _amount(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
