"""How often intervals of gaps hold the truth, where a small group decides.

    nice -n 10 python benchmarks/coverage.py

One group (of two), or four (of five), have 900 examples and one rate; one group is
small and has another rate, or the same one. A line is the worst cell of its rates;
beside it stands the bootstrap of the same examples, moved to the estimate.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from kd_keras.fairness.contrast_changes import PairedRates, highest_change
from kd_keras.fairness.contrasts import all_pairs, family, largest
from kd_keras.fairness.proportions import Proportion, deviations

LEVEL_LEFT = 0.05
Z = 1.959963984540054
LARGE = 900
SIZES = (5, 7, 16, 30, 100, 300)
ROUNDING = 1e-9

Ends = tuple[np.ndarray, np.ndarray]


class Statistic(NamedTuple):
    """One gap of one or two rates.

    Attributes:
      contrast: as in `kd_keras.fairness.gap_table`.
      of: rates `[..., rates, groups]` -> value `[...]`.
      rates: number of rates.
    """

    contrast: str
    of: Callable[[np.ndarray], np.ndarray]
    rates: int = 1


def _ratio(rates: np.ndarray) -> np.ndarray:
    highest = rates.max(axis=(-2, -1))
    return rates.min(axis=(-2, -1)) / np.where(highest > 0, highest, np.nan)


STATISTICS = {
    "DPD": Statistic("difference", lambda p: np.ptp(p, axis=-1).max(-1)),
    "EOD": Statistic("difference", lambda p: np.ptp(p, axis=-1).max(-1), rates=2),
    "DP ratio": Statistic("ratio", _ratio),
    "worst group": Statistic("lowest", lambda p: p.min(axis=(-2, -1))),
}


def gap_cell(statistic: Statistic, rates, sizes, repetitions, draws, rng):
    """Coverage and mean width of ours and of the bootstrap, for one cell."""
    shape = (repetitions, statistic.rates, len(sizes))
    seen = rng.binomial(sizes, rates, shape) / sizes
    truth = statistic.of(np.broadcast_to(rates, shape[1:]))
    found = Proportion(seen, np.broadcast_to(sizes, shape).astype(float))
    pairs = all_pairs(statistic.contrast, [found])
    flat = Proportion(*(part.reshape(repetitions, -1) for part in found))
    bound = largest(family(statistic.contrast, flat, pairs), LEVEL_LEFT)
    ours = (bound.low, bound.high)
    if statistic.contrast != "difference":
        ours = (-bound.high, -bound.low)
    few = seen[: repetitions // 4]
    again = rng.binomial(sizes, few, (draws, *few.shape)) / sizes
    theirs = centred(statistic.of(few), statistic.of(again))
    return scores(ours, truth, (0, 1)), scores(theirs, truth, (0, 1))


def change_cell(
    statistic: Statistic, rates, after, agree, sizes, repetitions, draws, rng
):
    """As `gap_cell`, for the change between two models of the same examples."""
    both = rates * after + agree * (np.minimum(rates, after) - rates * after)
    shares = np.stack([both, rates - both, after - both, 1 - rates - after + both], -1)
    shares = np.clip(shares, 0, 1)
    seen = np.stack(
        [
            rng.multinomial(n, p / p.sum(), repetitions) / n
            for n, p in zip(sizes, shares, strict=True)
        ],
        axis=1,
    )

    def change(cells: np.ndarray) -> np.ndarray:
        a, b = (cells[..., 0] + cells[..., i] for i in (1, 2))
        return statistic.of(b[..., np.newaxis, :]) - statistic.of(a[..., np.newaxis, :])

    trials = np.broadcast_to(sizes, seen.shape[:2]).astype(float)
    a, b = (Proportion(seen[..., 0] + seen[..., i], trials) for i in (1, 2))
    paired = PairedRates(a, b, seen[..., 0])
    pairs = all_pairs(
        statistic.contrast,
        [Proportion(*(part[:, np.newaxis] for part in model)) for model in (a, b)],
    )
    up = highest_change(statistic.contrast, paired, pairs, LEVEL_LEFT)
    down = highest_change(statistic.contrast, paired.swapped, pairs, LEVEL_LEFT)
    ours = (-down, up) if statistic.contrast == "difference" else (-up, down)
    few = seen[: repetitions // 4]
    again = np.stack(
        [
            rng.multinomial(n, few[:, g], (draws, len(few))) / n
            for g, n in enumerate(sizes)
        ],
        axis=2,
    )
    truth = statistic.of(after[np.newaxis]) - statistic.of(rates[np.newaxis])
    theirs = centred(change(few), change(again))
    return scores(ours, truth, (-1, 1)), scores(theirs, truth, (-1, 1))


def centred(value: np.ndarray, draws: np.ndarray) -> Ends:
    """`kd_keras.fairness.intervals.around`, for all repetitions at once."""
    low, high = np.nanquantile(draws, [LEVEL_LEFT / 2, 1 - LEVEL_LEFT / 2], axis=0)
    moved = np.nanmean(draws, axis=0) - value
    return np.fmin(low - moved, value), np.fmax(high - moved, value)


def scores(ends: Ends, truth, domain) -> tuple[float, float]:
    """Coverage, and mean width within the domain."""
    low, high = np.clip(ends[0], *domain), np.clip(ends[1], *domain)
    defined = np.isfinite(low) & np.isfinite(high)
    holds = (low <= truth + ROUNDING) & (truth <= high + ROUNDING)
    return float(holds[defined].mean()), float((high - low)[defined].mean())


def single_cell(rate: float, size: int, repetitions: int, rng):
    seen = rng.binomial(size, rate, repetitions) / size
    below, above = deviations(Proportion(seen, np.full(repetitions, float(size))), Z)
    few = seen[: repetitions // 4]
    again = rng.binomial(size, few, (200, len(few))) / size
    ours = scores((seen - below, seen + above), rate, (0, 1))
    return ours, scores(centred(few, again), rate, (0, 1))


def cells(rates, groups: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rates and sizes of the groups."""
    sizes = np.array([LARGE] * (groups - 1) + [size])
    for large, small in itertools.product(rates, rates):
        yield np.array([large] * (groups - 1) + [small]), sizes


def print_row(name: str, groups: int, size: int, found: list) -> None:
    """The cell that ours cover worst, and what the bootstrap covers worst.

    Widths are compared where the bootstrap covers.
    """
    ours, theirs = (min(pair[i][0] for pair in found) for i in (0, 1))
    ratios = [a[1] / b[1] for a, b in found if b[0] >= 0.93 and b[1] > 0]
    width = f"{np.median(ratios):.2f} ({max(ratios):.2f})" if ratios else "-"
    print(
        f"| {name} | {groups} | {size} | {ours:.3f} | {theirs:.3f} | {width} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--rates", default="0.02,0.1,0.3,0.6")
    parser.add_argument("--only", choices=("values", "changes"))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--gaps", default=",".join(STATISTICS), help="some of them")
    options = parser.parse_args()
    rates = [float(rate) for rate in options.rates.split(",")]
    rng = np.random.default_rng(0)
    print("| value | groups | small group | covers | bootstrap covers | width |")
    print("|---|---|---|---|---|---|")
    if options.only != "changes":
        print_values(rates, options, rng)
    if options.only != "values":
        print_changes(rates, options, rng)


def print_values(rates: list[float], options: argparse.Namespace, rng) -> None:
    chosen = {name: STATISTICS[name] for name in options.gaps.split(",")}
    small = [int(size) for size in options.sizes.split(",")]
    for size in small:
        found = [single_cell(rate, size, options.repetitions, rng) for rate in rates]
        print_row("one rate", 1, size, found)
    for (name, statistic), groups, size in itertools.product(
        chosen.items(), (2, 5), small
    ):
        found = [
            gap_cell(statistic, *cell, options.repetitions, options.draws, rng)
            for cell in cells(rates, groups, size)
        ]
        print_row(name, groups, size, found)


def print_changes(rates: list[float], options: argparse.Namespace, rng) -> None:
    chosen = {name: STATISTICS[name] for name in options.gaps.split(",")}
    small = [int(size) for size in options.sizes.split(",")]
    for (name, statistic), groups, size in itertools.product(
        chosen.items(), (2, 5), small
    ):
        if statistic.rates > 1:
            continue
        found = []
        for (before, sizes), agree, moved in itertools.product(
            cells(rates, groups, size), (0.3, 0.9), (0, 0.08)
        ):
            after = np.append(before[:-1], before[-1] + moved)
            found.append(
                change_cell(
                    statistic,
                    before,
                    after,
                    agree,
                    sizes,
                    options.repetitions,
                    options.draws,
                    rng,
                )
            )
        print_row(f"{name}, change", groups, size, found)


if __name__ == "__main__":
    main()
