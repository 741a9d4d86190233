"""Measures thresholds per group on Adult: kd_keras, OxonFair and Fairlearn.

    uv venv peers
    uv pip install --python peers/bin/python "oxonfair==0.3.*" "fairlearn==0.15.*"
    python -m benchmarks.mitigation --data=DIR --work=WORK --peers=peers/bin/python

DIR holds adult_train.csv.gz and adult_test.csv.gz with the column names of UCI Adult.
Scores are those of scikit-learn's gradient boosting and logistic regression, trained on
a half of the training rows without sex and race; thresholds are fitted on the other
half. WORK keeps scores and the peers' predictions for another run. Without --peers only
kd_keras is measured.
"""

import argparse
import itertools
import json
import math
import pathlib
import subprocess
import time
from typing import NamedTuple

import numpy as np

from benchmarks.mitigation_runs import MODELS, Arrays, ensure_runs, load, read
from kd_keras import fairness
from kd_keras.mitigation import GroupThresholds

GAPS = (
    "equal_opportunity_difference",
    "demographic_parity_difference",
    "equalized_odds_difference",
)
SHORT = dict(zip(GAPS, ("TPR", "DP", "EOD"), strict=True))
ATTRIBUTES, ALLOWED = ("sex", "race"), (0.02, 0.05)


def start_peers(args, work: pathlib.Path) -> None:
    """Lets the peers fit in their own environment what they can in minutes.

    OxonFair takes minutes and gigabytes for five groups, and the reduction trains anew:
    each of these gets one run. ThresholdOptimizer has no tolerance for equalized odds.
    """
    cells: dict[str, list[str]] = {}
    names = [
        f"official-{seed:02d}-{m}" for seed in range(args.peer_splits) for m in MODELS
    ]
    for name in names:
        cells[name] = [
            f"{method}|{attribute}|{gap}|{eps}"
            for method in ("OxonFair", "ThresholdOptimizer")
            for attribute, gap, eps in itertools.product(ATTRIBUTES, GAPS, ALLOWED)
            if method != "OxonFair" or attribute == "sex"
        ]
    cells[names[0]] += [f"OxonFair|race|{gap}|0.05" for gap in GAPS[:2]]
    cells[names[1]] += [
        f"ExponentiatedGradient|{attribute}|{gap}|0.05"
        for attribute, gap in itertools.product(ATTRIBUTES, GAPS)
    ]
    known = load(work, "peers", "official")
    missing = {
        name: [cell for cell in wanted if cell not in known.get(name, {})]
        for name, wanted in cells.items()
    }
    (work / "cells.json").write_text(json.dumps(missing))
    script = pathlib.Path(__file__).with_name("mitigation_peers.py")
    subprocess.run([args.peers, str(script), str(work)], check=True)


class Cell(NamedTuple):
    """What one method did in one run."""

    accuracy: float  # Change, in points.
    gap: float
    seconds: float = math.nan


def ours(
    run: Arrays, attribute: str, gap: str, eps: float, margin: float
) -> Cell | str:
    """The cell, or why it is refused."""
    fitted = GroupThresholds(gap, eps, margin=margin)
    began = time.perf_counter()
    try:
        fitted.fit(run["val_scores"], run["val_labels"], run[f"val_{attribute}"])
    except ValueError as error:
        return str(error)
    seconds = time.perf_counter() - began
    predicted = fitted.predict(run["test_scores"], run[f"test_{attribute}"])
    return measure(run, attribute, gap, predicted)._replace(seconds=seconds)


def measure(run: Arrays, attribute: str, gap: str, predicted: np.ndarray) -> Cell:
    """On test, between all groups."""
    labels, groups = run["test_labels"], run[f"test_{attribute}"]
    before = ((run["test_scores"] > 0.5) == labels).mean()
    found = getattr(fairness, gap)(labels, predicted, sensitive_features=groups)
    return Cell(100 * float((predicted == labels).mean() - before), found)


def shown(cells: list[Cell], eps: float) -> str:
    """Change of accuracy / test gap / share of runs whose gap is above eps."""
    if not cells:
        return "refused"
    accuracy, gaps, _ = np.array(cells).T
    runs = "" if len(cells) > 1 else " (1 run)"
    return (
        f"{accuracy.mean():+.2f} / {gaps.mean():.3f} / {(gaps > eps).mean():.2f}{runs}"
    )


def against_peers(work: pathlib.Path) -> None:
    """A row per attribute, gap and eps; official test rows."""
    runs, peers = load(work, "run", "official"), load(work, "peers", "official")
    methods = ("OxonFair", "ThresholdOptimizer", "ExponentiatedGradient")
    heads = ("cell", "margin 2", "margin 0", *methods)
    print(f"\n{len(runs)} runs: change of accuracy in points / test gap / exceeded\n")
    print("|", " | ".join(heads), "|")
    print("|", " | ".join(["---"] * len(heads)), "|")
    for attribute, gap, eps in itertools.product(ATTRIBUTES, GAPS, ALLOWED):
        row = [f"{attribute} {SHORT[gap]} {eps:g}"]
        for margin in (2, 0):
            found = [ours(run, attribute, gap, eps, margin) for run in runs.values()]
            row.append(shown([c for c in found if isinstance(c, Cell)], eps))
        for method in methods:
            key = f"{method}|{attribute}|{gap}|{eps}"
            cells = [
                measure(runs[name], attribute, gap, found[key])
                for name, found in peers.items()
                if key in found
            ]
            row.append(shown(cells, eps) if cells else "-")
        print("|", " | ".join(row), "|", flush=True)
    seconds = {
        (method, attribute): [
            float(values)
            for found in peers.values()
            for name, values in found.items()
            if name.startswith(f"{method}|{attribute}") and name.endswith("seconds")
        ]
        for method, attribute in itertools.product(methods, ATTRIBUTES)
    }
    for (method, attribute), values in seconds.items():
        if values:
            print(f"{method}, {attribute}: {min(values):.2f} to {max(values):.2f} s")


def held(work: pathlib.Path) -> None:
    """How often the gap of new examples is above eps; fresh splits."""
    runs = load(work, "run", "fresh").values()
    print(f"\n{len(runs)} fresh runs, margins 2 and 0; refused, and why\n")
    print("| cell | before | margin 2 | margin 0 | refused |")
    print("| --- | --- | --- | --- | --- |")
    reasons = {}
    for attribute, gap, eps in itertools.product(ATTRIBUTES, GAPS, ALLOWED):
        name = f"{attribute} {SHORT[gap]} {eps:g}"
        before = [
            measure(run, attribute, gap, (run["test_scores"] > 0.5).astype(int)).gap
            for run in runs
        ]
        row = [name, f"{np.mean(before):.3f}"]
        for margin in (2, 0):
            found = [ours(run, attribute, gap, eps, margin) for run in runs]
            row.append(shown([c for c in found if isinstance(c, Cell)], eps))
            if margin:
                refusals = [c for c in found if isinstance(c, str)]
                reasons |= {name: refusals[0]} if refusals else {}
        print("|", " | ".join([*row, str(len(refusals))]), "|", flush=True)
    for name, reason in reasons.items():
        print(f"{name}: {reason}")


def fit_times() -> None:
    """10,000 scores of groups that differ; the fastest of five fits."""
    for groups in (2, 5):
        rng = np.random.default_rng(0)
        group = rng.integers(0, groups, 10_000)
        labels = (rng.random(10_000) < 0.2 + 0.1 * group / groups).astype(int)
        noise = rng.normal(size=10_000)
        scores = 1 / (1 + np.exp(-(noise + 2 * labels - 1.5 + group / groups)))
        for gap in GAPS:
            seconds = []
            for _ in range(5):
                began = time.perf_counter()
                GroupThresholds(gap, 0.05, margin=0).fit(scores, labels, group)
                seconds.append(time.perf_counter() - began)
            print(f"fit, {groups} groups, {SHORT[gap]}: {min(seconds):.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--peers", help="Python of the peers' environment")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--peer_splits", type=int, default=5)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    fit_times()
    splits = {"official": args.peer_splits, "fresh": args.splits}
    ensure_runs(*read(args.data), args.work, splits)
    if args.peers:
        start_peers(args, args.work)
    against_peers(args.work)
    held(args.work)


if __name__ == "__main__":
    main()
