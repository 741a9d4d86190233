"""The counts of two models on the same examples."""

import numpy as np
import pytest

from kd_keras.fairness import (
    GroupCounts,
    PairedCounts,
)
from kd_keras.fairness.prediction_counts import PredictionCounts, PredictionPairCounts

# Group w (10 examples): 3 shared errors, 2 introduced, 1 repaired, 4 both right.
# Group v (10 examples): 1 shared, 0 introduced, 2 repaired, 7 both right.
LABEL = np.ones(20, int)


TEACHER = np.array([0] * 3 + [1] * 2 + [0] * 1 + [1] * 4 + [0] + [0] * 2 + [1] * 7)


STUDENT = np.array([0] * 3 + [0] * 2 + [1] * 1 + [1] * 4 + [0] + [1] * 2 + [1] * 7)


GROUP = ["w"] * 10 + ["v"] * 10


def example_counts(**options):
    return PairedCounts.from_predictions(
        LABEL, TEACHER, STUDENT, groups={"g": GROUP}, **options
    )


def test_models_of_a_pair_are_those_counted_alone():
    counts = example_counts()
    for model, predictions in ((counts.a, TEACHER), (counts.b, STUDENT)):
        assert model == GroupCounts.from_predictions(
            LABEL, predictions, groups={"g": GROUP}
        )


def test_so_are_the_models_of_a_pair_without_methods():
    counts = PredictionPairCounts.from_predictions(
        LABEL, TEACHER, STUDENT, groups={"g": GROUP}
    )
    for model, predictions in ((counts.a, TEACHER), (counts.b, STUDENT)):
        assert model == PredictionCounts.from_predictions(
            LABEL, predictions, groups={"g": GROUP}
        )


def test_agreement_is_a_share_of_the_weights():
    pair = PairedCounts.from_predictions(
        [1, 1, 0, 0],
        [1, 0, 0, 1],
        [1, 1, 0, 1],
        groups={"g": list("xxyy")},
        sample_weight=[1, 3, 2, 4],
    )
    # All but the second example, of weight 3 of 10.
    assert pair.agreement() == pytest.approx(0.7)


@pytest.mark.parametrize("kind", [PairedCounts, PredictionPairCounts])
@pytest.mark.parametrize("attributes", [(), ("g",), ("g", "h")], ids=len)
def test_models_are_found_behind_any_number_of_attributes(kind, attributes):
    values = {"g": GROUP, "h": np.arange(20) % 3}
    groups = {name: values[name] for name in attributes}
    counts = kind.from_predictions(LABEL, TEACHER, STUDENT, groups=groups)
    for model, predictions in ((counts.a, TEACHER), (counts.b, STUDENT)):
        assert model == type(model).from_predictions(LABEL, predictions, groups=groups)
    one = counts.a.one_vs_rest(0)
    assert one == type(one).from_predictions(1 - LABEL, 1 - TEACHER, groups=groups)
