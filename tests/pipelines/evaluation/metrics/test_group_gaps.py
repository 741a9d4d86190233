"""Gaps as TFMA metrics, without Beam: weights, thresholds, missing groups."""

import fairlearn.metrics
import numpy as np
import pytest
from in_memory import compute, extracts

from pipelines.evaluation.metrics.counts import MAX_WAITING
from pipelines.evaluation.metrics.group_gaps import GroupGap, gap_name

EOD, DPD = "equalized_odds_difference", "demographic_parity_difference"
RNG = np.random.default_rng(1)
LABELS = RNG.integers(0, 2, 120)
SCORES = {"a": RNG.random(120), "b": RNG.random(120)}
GROUPS = RNG.choice(["x", "y", "z", None], 120, p=[0.5, 0.25, 0.15, 0.1])
WEIGHTS = RNG.integers(0, 5, 120) / 2
KNOWN = np.array([g is not None for g in GROUPS])


def values(metric, weighted=False, bundles=3):
    predictions = {k: np.column_stack([1 - v, v]) for k, v in SCORES.items()}
    rows = extracts(
        LABELS, predictions, weights=WEIGHTS, features={"g": GROUPS, "h": GROUPS[::-1]}
    )
    return compute(
        metric, rows, bundles=bundles, model_names=["a", "b"], example_weighted=weighted
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("threshold", [None, 0.7])
@pytest.mark.parametrize("gap", [DPD, EOD])
def test_gaps_are_fairlearns(gap, threshold, weighted):
    found = values(GroupGap(gap, "g", threshold=threshold), weighted)
    assert {key.model_name for key in found} == {"a", "b"}
    for key, value in found.items():
        predicted = SCORES[key.model_name] > (0.5 if threshold is None else threshold)
        expected = getattr(fairlearn.metrics, gap)(
            LABELS[KNOWN],
            predicted[KNOWN].astype(int),
            sensitive_features=GROUPS[KNOWN].astype(str),
            sample_weight=WEIGHTS[KNOWN] if weighted else None,
        )
        assert value == pytest.approx(expected, abs=1e-12)
        assert key.name == f"{gap}/g" + ("@0.7" if threshold else "")
        assert key.example_weighted == weighted


def test_names():
    assert gap_name(EOD, "color") == f"{EOD}/color"
    assert gap_name(EOD, "color", 0.5) == f"{EOD}/color@0.5"
    assert gap_name(EOD, "color", 0.0) == f"{EOD}/color@0"
    (key, _) = values(GroupGap(DPD, "g", name="mine"))
    assert key.name == "mine"


def test_counts_are_shared_by_the_gaps_of_an_attribute():
    def keys(gap, attribute="g", **options):
        metric = GroupGap(gap, attribute, **options)
        return metric.computations(model_names=["a"], example_weighted=True)[0].keys

    assert keys(DPD) == keys(EOD)
    others = [keys(DPD, "h"), keys(DPD, threshold=0.5), keys(DPD, num_classes=3)]
    others += [keys(DPD, threshold=0.6), keys(DPD)]
    assert len({tuple(other) for other in others}) == 5
    assert (keys(DPD)[0].model_name, keys(DPD)[0].example_weighted) == ("a", True)


def test_an_unknown_gap_is_refused():
    with pytest.raises(ValueError, match=r"`gap` must be one of .*Received: 'eod'"):
        GroupGap("eod", "group")


def test_a_threshold_is_for_two_classes():
    with pytest.raises(ValueError, match=r"threshold=0\.5, num_classes=3"):
        GroupGap(DPD, "g", num_classes=3, threshold=0.5)
    with pytest.raises(ValueError, match=r"threshold=0\.0, num_classes=3"):
        GroupGap(DPD, "g", num_classes=3, threshold=0.0)
    GroupGap(DPD, "g", num_classes=3)
    GroupGap(DPD, "g", threshold=0.5)


def test_examples_are_counted_in_bulk():
    combiner = GroupGap(DPD, "g").computations(model_names=[""])[0].combiner
    (row,) = extracts([1], [[0.2, 0.8]], features={"g": ["x"]})
    preprocessor = GroupGap(DPD, "g").computations(model_names=[""])[0].preprocessors[0]
    (element,) = preprocessor.process(row)
    accumulator = combiner.create_accumulator()
    for _ in range(MAX_WAITING - 1):
        accumulator = combiner.add_input(accumulator, element)
    assert (len(accumulator.counts), len(accumulator.examples)) == (0, MAX_WAITING - 1)
    accumulator = combiner.add_input(accumulator, element)
    assert (len(accumulator.counts), len(accumulator.examples)) == (1, 0)
    accumulator = combiner.add_input(accumulator, element)
    (counts,) = combiner.extract_output(accumulator).values()
    assert counts.num_examples == MAX_WAITING + 1
    # Counts wait to be merged, too.
    merged = combiner.merge_accumulators([accumulator] * MAX_WAITING)
    assert len(merged.counts) < MAX_WAITING
    (counts,) = combiner.extract_output(merged).values()
    assert counts.num_examples == MAX_WAITING * (MAX_WAITING + 1)


def test_a_class_that_no_example_has_is_a_class():
    # Selected of x are 2 of 3 as class 0, of y 0 of 2; of class 2 nobody is.
    rows = extracts(
        [0, 1, 0, 1, 0],
        0.7 * np.eye(3)[[0, 0, 1, 1, 1]] + 0.1,
        features={"g": list("xxxyy")},
    )
    (value,) = compute(GroupGap(DPD, "g", num_classes=3), rows).values()
    assert value == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
