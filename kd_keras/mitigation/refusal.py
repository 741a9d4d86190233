"""Refusals of what the examples cannot show, each with the number that is missing."""

import math
from collections.abc import Sequence

import numpy as np

from kd_keras.mitigation.constraints import (
    COUNTED,
    DENOMINATORS,
    Constraint,
    lower_end,
    pooled_variance,
    standard_error,
)
from kd_keras.mitigation.curves import Curve
from kd_keras.mitigation.measure import Measure
from kd_keras.mitigation.units import Units


def free_widths(
    constraint: Constraint, names: Sequence[str], curves: Sequence[Curve], cuts: list
) -> list[float]:
    """What `at_most` leaves for each rate once `margin` standard errors are kept free.

    Args:
      constraint: what is asked.
      names: of the groups, for the error.
      curves: of the groups.
      cuts: of the unmended model.

    Raises:
      ValueError: if nothing is left; it names the groups that are too small, and how
        many examples they would need.
    """
    found = []
    for rate in constraint.rates:
        kept = constraint.margin * standard_error(rate, curves, cuts)
        if kept > (constraint.at_most or 0) and constraint.margin > 0:
            raise ValueError(_too_small(constraint, rate, kept, names, curves, cuts))
        found.append((constraint.at_most or 0) - kept)
    return found


def free_width(
    constraint: Constraint, kept: float, units: Units, effective: np.ndarray
) -> float:
    """What `at_most` leaves once `kept` is taken off; inf without a gap.

    Args:
      constraint: what is asked.
      kept: what is to be kept free for chance.
      units: that the constraint holds for.
      effective: number of examples by unit and label, `[units, classes]`.

    Raises:
      ValueError: if nothing is left.
    """
    if constraint.at_most is None:
        return math.inf
    if kept <= constraint.at_most:
        return constraint.at_most - kept
    kind = COUNTED[DENOMINATORS[constraint.rates[0]]]
    sizes, two_classes = effective.sum(1), effective.shape[1] == 2
    if kind == "positives":
        sizes = effective[:, 1] if two_classes else effective.min(1)
    elif kind == "negatives":
        sizes = effective[:, 0] if two_classes else sizes - effective.max(1)
    least = int(sizes.argmin())
    ratio = (kept / constraint.at_most) ** 2 if constraint.at_most else math.inf
    needed = math.ceil(sizes[least] * ratio) if ratio < math.inf else "endlessly many"
    raise ValueError(
        f"group {units.title(least)} has {sizes[least]:.0f} {kind} in validation, "
        f"about {needed} are needed for {constraint.at_most:.4g}: "
        f"{constraint.margin:.3g} standard errors of the gap are {kept:.3f}. "
        f"{_advice(kept)}"
    )


def _advice(kept: float) -> str:
    return (
        f"Collect them, allow at_most={math.ceil(1000 * kept) / 1000:g}, put small "
        "groups together with min_examples, or pass margin=0 for a gap that may not "
        "hold on other examples."
    )


def _too_small(
    constraint: Constraint,
    rate: str,
    kept: float,
    names: Sequence[str],
    curves: Sequence[Curve],
    cuts: list,
) -> str:
    sizes = [_size(rate, curve) for curve in curves]
    variance = pooled_variance(rate, curves, cuts)
    eps = constraint.at_most or 0.0
    advice = _advice(kept)
    if eps == 0:
        return (
            "`at_most` of 0 cannot be shown with any number of examples. Received: "
            f"at_most=0, margin={constraint.margin:g}. {advice}"
        )
    # What one group needs beside the largest, or else each of two alike.
    alone = constraint.margin**2 * variance / eps**2
    room = 1 - alone / max(sizes)
    needed = math.ceil(alone / room) if room > 0 else math.inf
    if min(sizes) >= needed or math.isinf(needed):
        needed = math.ceil(2 * alone)
    small = [
        f"group {name} has {size}"
        for name, size in zip(names, sizes, strict=True)
        if size < needed
    ]
    return (
        f"{', '.join(small)} {_counted(rate, curves)} in validation, about {needed} "
        f"are needed for {eps:.4g}: {constraint.margin:.3g} standard errors of the "
        f"difference of {rate.replace('_', ' ')}s are {kept:.3f}. {advice}"
    )


def _size(rate: str, curve: Curve) -> int:
    """Examples of a rate's denominator, with weights the effective number."""
    # A whole number may have lost its last bit.
    return math.floor(sum(curve.effective[i] for i in DENOMINATORS[rate]) + 1e-6)


def _counted(rate: str, curves: Sequence[Curve]) -> str:
    """What `_size` counts, such as "effective positives"."""
    plain = all(np.allclose(curve.effective, curve.examples) for curve in curves)
    return f"{'' if plain else 'effective '}{COUNTED[DENOMINATORS[rate]]}"


def closest(measure: Measure, kept: float, found: Sequence[np.ndarray]) -> str:
    """What was reached of a constraint that was not.

    Args:
      measure: the constraint.
      kept: what of `at_most` is kept free for chance.
      found: what is predicted and what of it is right, `[units, classes]` each.
    """
    reached = []
    if measure.constraint.gap:
        smallest = float(measure.gap(*found)) + kept
        reached.append(f"the smallest gap that was found is {smallest:.3f}")
    end = ", by its interval's lower end" if measure.constraint.margin else ""
    for rate, least in measure.constraint.floor.items():
        lowest = measure.lowest(rate, *found)
        if lowest < least:
            reached.append(
                "no offsets reach all floors, the best that were found have a lowest "
                f"{rate.replace('_', ' ')} of {lowest:.3f}{end}"
            )
    return "; ".join(reached)


def check_floors(
    constraint: Constraint, names: Sequence[str], curves: Sequence[Curve]
) -> None:
    """Raises a ValueError for a group that no threshold brings to the floors."""
    for rate, least in constraint.floor.items():
        for name, curve in zip(names, curves, strict=True):
            best = float(lower_end(curve, rate, constraint.margin).max())
            if best >= least - 1e-12:
                continue
            raise ValueError(_out_of_reach(constraint, rate, name, curve, best))
    for name, curve in zip(names, curves, strict=True):
        if np.isinf(constraint.errors(curve)).all():
            raise ValueError(
                f"`floor` cannot be held for group {name}: no threshold reaches all of "
                f"{dict(constraint.floor)} at once. Lower one of them."
            )


def _out_of_reach(
    constraint: Constraint, rate: str, name: str, curve: Curve, best: float
) -> str:
    least = constraint.floor[rate]
    plain = float(curve.rate(rate).max())
    reason = f"{plain:.3f} is the best that any threshold reaches"
    if plain > least:
        # Of the Wilson interval, whose lower end is to be `least` at the rate `plain`.
        needed = constraint.margin**2 * least * (1 - least) / (plain - least) ** 2
        reason = (
            f"it has {_size(rate, curve)} {_counted(rate, [curve])} in validation, "
            f"about {math.ceil(needed)} are needed, as {constraint.margin:.3g} "
            f"standard errors below its best {plain:.3f} is {best:.3f}"
        )
    return (
        f"`floor` of {least:g} for the {rate.replace('_', ' ')} cannot be held for "
        f"group {name}: {reason}. Lower it to {math.floor(1000 * best) / 1000:g}, or "
        "collect more examples."
    )
