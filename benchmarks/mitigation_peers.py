"""Fits OxonFair and Fairlearn; benchmarks/mitigation.py starts it in their environment.

    python benchmarks/mitigation_peers.py DIRECTORY

DIRECTORY/cells.json says what to fit of each DIRECTORY/run-NAME.npz: a list of
"method|attribute|gap|eps". DIRECTORY/peers-NAME.npz has the predictions on test under
these keys, and the seconds.
"""

import json
import pathlib
import sys
import time
import warnings

import numpy as np
from fairlearn import postprocessing, reductions
from oxonfair import DataDict, FairPredictor
from oxonfair import group_metrics as gm
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

OXONFAIR = {
    "equal_opportunity_difference": gm.recall,
    "demographic_parity_difference": gm.pos_pred_rate,
}
FAIRLEARN = {
    "equal_opportunity_difference": "true_positive_rate_parity",
    "demographic_parity_difference": "demographic_parity",
    "equalized_odds_difference": "equalized_odds",
}
MOMENTS = {
    "equal_opportunity_difference": reductions.TruePositiveRateParity,
    "demographic_parity_difference": reductions.DemographicParity,
    "equalized_odds_difference": reductions.EqualizedOdds,
}


class Scores(BaseEstimator):
    """An estimator whose input is its own score."""

    def fit(self, x, y):
        return self

    def predict(self, x):
        return np.asarray(x)[:, 0]

    def __sklearn_is_fitted__(self):
        return True


def both(scores):
    return np.stack([1 - scores, scores], axis=1)


def oxonfair(run, attribute, gap, eps):
    """Thresholds on a grid, of least error; the group is known."""
    metric = OXONFAIR.get(gap)
    constraint = gm.equalized_odds_max if metric is None else metric.max_diff
    data = DataDict(run["val_labels"], both(run["val_scores"]), run[f"val_{attribute}"])
    predictor = FairPredictor(lambda x: x, data, threshold=0)
    predictor.fit(gm.accuracy, constraint, eps)
    test = DataDict(
        run["test_labels"], both(run["test_scores"]), run[f"test_{attribute}"]
    )
    return np.asarray(predictor.predict(test))


def threshold_optimizer(run, attribute, gap, eps):
    """Thresholds per group, randomized; equalized odds has no tolerance."""
    optimizer = postprocessing.ThresholdOptimizer(
        estimator=Scores(),
        constraints=FAIRLEARN[gap],
        prefit=True,
        predict_method="predict",
        tol=None if gap == "equalized_odds_difference" else eps,
    )
    groups = run[f"val_{attribute}"]
    x = run["val_scores"][:, None]
    optimizer.fit(x, run["val_labels"], sensitive_features=groups)
    return optimizer.predict(
        run["test_scores"][:, None],
        sensitive_features=run[f"test_{attribute}"],
        random_state=0,
    )


def exponentiated_gradient(run, attribute, gap, eps):
    """Trains anew under the constraint, on training and validation; randomized."""
    reduction = reductions.ExponentiatedGradient(
        LogisticRegression(max_iter=100),
        MOMENTS[gap](difference_bound=eps),
        max_iter=10,
    )
    x = np.concatenate([run["train_x"], run["val_x"]])
    y = np.concatenate([run["train_labels"], run["val_labels"]])
    groups = np.concatenate([run[f"train_{attribute}"], run[f"val_{attribute}"]])
    reduction.fit(x, y, sensitive_features=groups)
    return reduction.predict(run["test_x"], random_state=0)


METHODS = {
    "OxonFair": oxonfair,
    "ThresholdOptimizer": threshold_optimizer,
    "ExponentiatedGradient": exponentiated_gradient,
}


def main() -> None:
    warnings.filterwarnings("ignore")
    directory = pathlib.Path(sys.argv[1])
    cells = json.loads((directory / "cells.json").read_text())
    for name, wanted in cells.items():
        with np.load(directory / f"run-{name}.npz", allow_pickle=False) as arrays:
            run = dict(arrays)
        for part in ("val", "test"):
            run[f"{part}_scores"] = run[f"{part}_scores"].astype(np.float64)
        path = directory / f"peers-{name}.npz"
        found = dict(np.load(path, allow_pickle=False)) if path.exists() else {}
        for cell in wanted:
            method, attribute, gap, eps = cell.split("|")
            began = time.perf_counter()
            try:
                predicted = METHODS[method](run, attribute, gap, float(eps))
            except (ValueError, AssertionError, MemoryError) as error:
                print(f"{name} {cell}: {error!r}"[:200], flush=True)
                continue
            found[f"{cell}|seconds"] = time.perf_counter() - began
            found[cell] = np.asarray(predicted).astype(np.int64).ravel()
            print(f"{name} {cell}: {found[f'{cell}|seconds']:.2f} s", flush=True)
            np.savez(path, **found)


if __name__ == "__main__":
    main()
