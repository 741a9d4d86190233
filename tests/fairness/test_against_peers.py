"""Random tables against Fairlearn and scikit-learn, to 1e-12."""

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kd_keras import fairness
from kd_keras.fairness import GroupCounts

TOLERANCE = 1e-12
RATES = {
    "accuracy": sklearn.metrics.accuracy_score,
    "selection_rate": fl.selection_rate,
    "true_positive_rate": fl.true_positive_rate,
    "false_positive_rate": fl.false_positive_rate,
}


@st.composite
def tables(draw, num_classes=2, needed="label"):
    """Labels, predictions, groups and weights, from a table of counts per cell.

    `needed` says what every group has at least one example of: each "label", each
    (label, prediction) "cell", or, with None, anything.
    """
    num_groups = draw(st.integers(2, 4))
    shape = (num_groups, num_classes, num_classes)
    table = draw(arrays(np.int64, shape, elements=st.integers(0, 6), fill=st.just(0)))
    if needed == "cell":
        table += 1
    elif needed == "label":
        table[..., 0] += table.sum(axis=2) == 0
    else:
        table[:, 0, 0] += table.sum(axis=(1, 2)) == 0
    g, y, p = (
        column.repeat(table.ravel()) for column in np.indices(shape).reshape(3, -1)
    )
    w = draw(st.none() | arrays(np.float64, len(y), elements=st.floats(0.01, 100)))
    return y, p, np.array(["a", "b", "c", "d"])[g], w


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(tables())
def test_two_classes(table):
    y, p, g, w = table
    counts = GroupCounts.from_predictions(y, p, groups={"g": g}, sample_weight=w)
    frame = fl.MetricFrame(
        metrics=RATES,
        y_true=y,
        y_pred=p,
        sensitive_features=g,
        sample_params={name: {"sample_weight": w} for name in RATES},
    )
    for name in RATES:
        rates = getattr(counts, name)()
        close(rates.overall, frame.overall[name])
        by_group = frame.by_group[name]
        close(list(rates.by_group.values()), by_group[list(rates.by_group)])
    # Half the tables each, since Fairlearn takes most of the time.
    method = "between_groups" if len(y) % 2 else "to_overall"
    difference = frame.difference(method=method)
    ratio = frame.ratio(method=method)
    tpr, fpr = "true_positive_rate", "false_positive_rate"
    dpd = counts.demographic_parity_difference(method=method)
    close(float(dpd), difference["selection_rate"])
    eod = counts.equalized_odds_difference(method=method)
    close(float(eod), max(difference[tpr], difference[fpr]))
    mean = counts.equalized_odds_difference(method=method, agg="mean")
    close(float(mean), (difference[tpr] + difference[fpr]) / 2)
    accuracy = counts.accuracy_gap(method=method)
    close(float(accuracy), difference["accuracy"])
    dpr = counts.demographic_parity_ratio(method=method)
    close(float(dpr), ratio["selection_rate"])
    close(
        float(counts.equalized_odds_ratio(method=method)),
        np.minimum(ratio[tpr], ratio[fpr]),
    )
    close(float(counts.worst_group_accuracy()), frame.by_group["accuracy"].min())


@settings(max_examples=500, deadline=None, derandomize=True)
@given(tables(num_classes=3, needed=None))
def test_several_classes_with_empty_cells(table):
    y, p, g, w = table
    counts = GroupCounts.from_predictions(
        y, p, groups={"g": g}, sample_weight=w, num_classes=3
    )
    w = np.ones(len(y)) if w is None else w
    dpds, eods = [], []
    for k in range(3):
        rates = {"selection": [], "tpr": [], "fpr": []}
        for name in np.unique(g):
            member = g == name
            chosen = (p[member] == k).astype(float)
            label, weight = y[member] == k, w[member]
            rates["selection"].append(np.average(chosen, weights=weight))
            if label.any():
                tpr = np.average(chosen[label], weights=weight[label])
                rates["tpr"].append(tpr)
            if not label.all():
                fpr = np.average(chosen[~label], weights=weight[~label])
                rates["fpr"].append(fpr)
        gap = {n: np.ptp(v) if len(v) > 1 else np.nan for n, v in rates.items()}
        dpds.append(gap["selection"])
        eods.append(np.max([gap["tpr"], gap["fpr"]]))
    dpd = counts.demographic_parity_difference()
    eod = counts.equalized_odds_difference()
    close(dpd.by_class, dpds)
    close(eod.by_class, eods)
    defined = [eod for eod in eods if not np.isnan(eod)]
    close(float(dpd), np.nan if np.isnan(dpds).all() else np.mean(dpds))
    close(float(eod), np.mean(defined) if defined else np.nan)


@pytest.mark.parametrize("form", ["list", "series", "crossed frame", "crossed array"])
@settings(max_examples=5, deadline=None, derandomize=True)
@given(table=tables(needed="cell"))
def test_array_functions_take_what_fairlearn_takes(form, table):
    y, p, g, w = table
    crossed = pd.DataFrame({"one": g, "two": np.arange(len(g)) % 2})
    features = {
        "list": list(g),
        "series": pd.Series(g, name="one"),
        "crossed frame": crossed,
        "crossed array": crossed.to_numpy(),
    }[form]
    options = {"sensitive_features": features, "sample_weight": w}
    for name in ("demographic_parity_difference", "demographic_parity_ratio"):
        ours, theirs = getattr(fairness, name), getattr(fl, name)
        for method in ("between_groups", "to_overall"):
            close(
                ours(y, p, method=method, **options),
                theirs(y, p, method=method, **options),
            )
    if "crossed" in form:
        return
    for name in ("equalized_odds_difference", "equalized_odds_ratio"):
        for agg in ("worst_case", "mean"):
            close(
                getattr(fairness, name)(y, p, agg=agg, **options),
                getattr(fl, name)(y, p, agg=agg, **options),
            )
    close(
        fairness.equal_opportunity_difference(y, p, **options),
        fl.equal_opportunity_difference(y, p, **options),
    )


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_other_rates(weighted):
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (2, 200))
    w = rng.random(200) if weighted else None
    counts = GroupCounts.from_predictions(
        y, p, groups={"g": rng.integers(0, 2, 200)}, sample_weight=w
    )
    options = {"sample_weight": w}
    for name in ("true_negative_rate", "false_negative_rate"):
        expected = getattr(fl, name)(y, p, **options)
        close(getattr(counts, name)().overall, expected)
    precision = sklearn.metrics.precision_score(y, p, **options)
    close(counts.precision().overall, precision)
    close(counts.base_rate().overall, np.average(y, weights=w))
    recall = sklearn.metrics.recall_score(y, p, average=None, **options)
    close(counts.class_accuracy(), recall)
