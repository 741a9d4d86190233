"""Methods and functions of the gaps by name: all options reach the gap."""

import dataclasses
import inspect

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest

from kd_keras import fairness
from kd_keras.fairness import GAPS, GroupCounts
from kd_keras.fairness.named_gaps import gap_function, gap_method

RNG = np.random.default_rng(1)
LABELS, PREDICTIONS = RNG.integers(0, 2, (2, 60))
# In each of the crossed groups there are examples of each label.
SEX, RACE = np.tile([[0, 0, 0, 0, 1, 1, 1, 1, 1, 1], [2, 2, 3, 3, 2, 2, 3, 3, 3, 3]], 6)
WEIGHTS = RNG.choice([0.5, 1.0, 3.0], 60)
METHODS = ["between_groups", "to_overall"]
COUNTS = GroupCounts.from_predictions(
    LABELS, PREDICTIONS, groups={"sex": SEX, "race": RACE}, sample_weight=WEIGHTS
)
# One rate, and two.
NAMES = ["demographic_parity_difference", "equalized_odds_difference"]
NAMES += ["demographic_parity_ratio", "equalized_odds_ratio"]


def fairlearn_gap(name, features, **options):
    return getattr(fl, name)(
        LABELS, PREDICTIONS, sensitive_features=features, sample_weight=WEIGHTS,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_methods_pass_all_options_on(name, method):
    of_counts = getattr(COUNTS, name)
    for agg in ("worst_case", "mean") if "odds" in name else (None,):
        options = {"method": method} | ({"agg": agg} if agg else {})
        for attribute, features in (("sex", SEX), ("race", RACE)):
            found = of_counts(attribute, **options).value
            assert found == pytest.approx(fairlearn_gap(name, features, **options))
        assert np.isnan(of_counts("sex", min_examples=61, **options).value)
    default = fairlearn_gap(name, SEX)
    assert of_counts("sex").value == pytest.approx(default)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["dict", "frame", "array"])
def test_functions_cross_the_columns_of_any_form(form, name, method):
    columns = {"sex": SEX, "race": RACE}
    frame = pd.DataFrame(columns)
    features = {"dict": columns, "frame": frame, "array": frame.to_numpy()}[form]
    for agg in ("worst_case", "mean") if "odds" in name else (None,):
        options = {"method": method} | ({"agg": agg} if agg else {})
        found = getattr(fairness, name)(
            LABELS, PREDICTIONS, sensitive_features=features, sample_weight=WEIGHTS,
            **options,
        )  # fmt: skip
        assert found == pytest.approx(fairlearn_gap(name, frame, **options))


@pytest.mark.parametrize("form", [list, np.array, lambda x: {"sex": x}, pd.Series])
@pytest.mark.parametrize("name", NAMES)
def test_functions_take_a_single_column_of_any_form(form, name):
    found = getattr(fairness, name)(
        LABELS, PREDICTIONS, sensitive_features=form(SEX), sample_weight=WEIGHTS
    )
    assert isinstance(found, float)
    assert found == pytest.approx(fairlearn_gap(name, SEX))


@pytest.mark.parametrize("name", ["accuracy_gap", "equalized_odds_difference"])
def test_one_example_of_each_kind_is_enough(name):
    # Group a is right in both, b in neither.
    y, p, g = [1, 0, 1, 0], [1, 0, 0, 1], list("aabb")
    counts = GroupCounts.from_predictions(y, p, groups={"g": g})
    assert getattr(counts, name)().value == 1
    assert getattr(fairness, name)(y, p, sensitive_features=g) == 1
    assert np.isnan(getattr(counts, name)(min_examples=3).value)


def test_texts_are_cut_at_88_columns_with_their_indentation():
    # Words of 84 letters in all fit a line, those of 85 do not.
    text = f"{'a' * 40} {'b' * 43} {'c' * 40} {'d' * 44}"
    row = dataclasses.replace(GAPS["accuracy_gap"], text=text)
    for made in (gap_method("own", row), gap_function("own", row)):
        lines = inspect.getdoc(made).splitlines()
        assert lines[:3] == ["a" * 40 + " " + "b" * 43, "c" * 40, "d" * 44]
