"""A gap is one row: what is made of it, and what help() and editors say."""

import ast
import inspect
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import textwrap
import warnings

import gap_stubs
import numpy as np
import pytest

from kd_keras import fairness
from kd_keras.fairness import GAPS, GapDefinition, GroupCounts, PairedCounts

# Of the source tree, also where this file is a link to it.
ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = """    "predictive_parity_difference": GapDefinition(
        ("precision",), _difference, "Highest minus lowest PPV.", short="PPD"
    ),
"""
USES = """
import inspect, pathlib, sys
import kd_keras
assert pathlib.Path(kd_keras.__file__).parents[1] == pathlib.Path.cwd()
from kd_keras import fairness
from kd_keras.fairness import *
y, p, g = [1, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], list("aaabbb")
counts = GroupCounts.from_predictions(y, p, groups={"g": g})
# Of the selected, 2 of 3 are positive in a and in b; without the second, 2 of 2 in a.
assert float(counts.predictive_parity_difference("g")) == 0
w = [1, 0, 1, 1, 1, 1]
found = predictive_parity_difference(y, p, sensitive_features=g, sample_weight=w)
assert abs(found - 1 / 3) < 1e-12
assert "Highest minus lowest PPV." in inspect.getdoc(predictive_parity_difference)
name = "predictive_parity_difference"
pair = PairedCounts.from_predictions(y, p, p, groups={"g": g})
options = {"replicates": 9, "min_examples": 1}
assert pair.gap_change(name, "g", **options).interval.value == 0
assert counts.gap_interval(name, "g", **options).value == 0
assert float(gap(counts, name)) == float(gap_values(counts, name)) == 0

import json
from tensorflow_model_analysis.proto import config_pb2
from tfma_metrics import compute
metric = config_pb2.MetricConfig(
    module="pipelines.evaluation.metrics.group_gaps",
    class_name="GroupGap",
    config=json.dumps({"gap": name, "attribute": "g"}),
)
config = config_pb2.EvalConfig(
    model_specs=[{}], slicing_specs=[{}], metrics_specs=[{"metrics": [metric]}]
)
found = compute(config, y[2:], [[0.2, 0.8]] * 4, features={"g": g[2:]})
# 1 of 1 in a, 2 of 3 in b.
assert abs(found[()][""][name + "/g"] - 1 / 3) < 1e-12

from kd_keras.auditing import names
assert names.metric_name(name) == "PPD"
from pipelines.release import policy
assert name in policy.METRICS
from pipelines.analysis import costs
assert name in costs.METRICS
"""


def test_a_new_gap_is_one_row(tmp_path):
    shutil.copytree(ROOT / "kd_keras", tmp_path / "kd_keras")
    table = tmp_path / "kd_keras" / "fairness" / "gap_table.py"
    before, last, _ = table.read_text().rpartition("}\n")
    table.write_text(f"{before}{ROW}{last}")
    paths = [tmp_path, ROOT, ROOT / "tests" / "pipelines"]
    run = subprocess.run(
        [sys.executable, "-c", USES],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "rates", [(), ("tpr",), ("accuracy", "precision")], ids=["none", "unknown", "mixed"]
)
def test_a_row_without_sense_is_refused(rates):
    with pytest.raises(ValueError, match=r"`rates` must be some of .*accuracy alone"):
        GapDefinition(rates, GAPS["accuracy_gap"].compare, "")


@pytest.mark.parametrize("name", GAPS)
def test_help_shows_what_a_gap_is(name):
    for function in (getattr(fairness, name), getattr(GroupCounts, name)):
        assert function.__name__ == name
        text = " ".join(inspect.getdoc(function).split())
        assert text.startswith(" ".join(GAPS[name].text.split()))
        direction = "higher" if "ratio" in name or "worst" in name else "lower"
        assert f"in [0, 1], {direction} is fairer" in text
        parameters = inspect.signature(function).parameters
        assert parameters["method"].default == "between_groups"
        assert ("agg" in parameters) == ("odds" in name)
        for parameter in parameters.keys() - {"self"}:
            assert f"\n    {parameter}: " in inspect.getdoc(function)
        lines = inspect.getdoc(function).splitlines()
        assert max(map(len, lines)) <= 88
        # Four columns are left for the indentation.
        wrapped = textwrap.wrap(GAPS[name].text, 84)
        assert lines[: len(wrapped)] == wrapped
    assert list(inspect.signature(getattr(fairness, name)).parameters)[:3] == [
        "y_true",
        "y_pred",
        "sensitive_features",
    ]
    assert name in fairness.__all__


@pytest.mark.parametrize("name", GAPS)
def test_functions_and_methods_reach_other_processes(name):
    for function in (getattr(fairness, name), getattr(GroupCounts, name)):
        assert pickle.loads(pickle.dumps(function)) is function


def test_wrong_options_are_refused_by_name():
    counts = GroupCounts.from_predictions([1, 0], [1, 0], groups={"g": ["a", "b"]})
    with pytest.raises(TypeError, match=r"accuracy_gap\(\) got .*argument 'agg'"):
        counts.accuracy_gap(agg="mean")
    with pytest.raises(TypeError, match=r"accuracy_gap\(\) missing .*'sensitive_feat"):
        fairness.accuracy_gap([1, 0], [1, 0])


def test_type_checkers_and_editors_see_every_gap():
    text = gap_stubs.PATH.read_text()
    assert text == gap_stubs.stubs(), "Renew it: make stubs"
    tree = ast.parse(text)
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert functions == GAPS.keys()


def test_short_names_and_directions():
    assert {name: row.short for name, row in GAPS.items() if row.short} == {
        "demographic_parity_difference": "DPD",
        "equalized_odds_difference": "EOD",
        "base_rate_difference": "base rate gap",
    }
    assert {name for name, row in GAPS.items() if row.higher_is_better} == {
        "demographic_parity_ratio",
        "equalized_odds_ratio",
        "worst_group_accuracy",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("equalized_odds_difference", 1 - 1 / 4), ("equalized_odds_ratio", 1 / 4)],
)
def test_the_direction_says_which_rate_decides(name, value):
    # TPR 1/2 and 1, FPR 1/4 and 1, of 4 positives and 4 negatives in each group.
    y = [1, 1, 1, 1, 0, 0, 0, 0] * 2
    p = [1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
    found = getattr(fairness, name)(y, p, sensitive_features=["a"] * 8 + ["b"] * 8)
    assert found == value


@pytest.mark.parametrize("name", GAPS)
def test_the_intervals_of_a_named_gap_need_no_draws(name):
    rng = np.random.default_rng(2)
    y, a, b = rng.integers(0, 2, (3, 200))
    groups = {"g": rng.integers(0, 3, 200)}
    counts = GroupCounts.from_predictions(y, a, groups=groups)
    pair = PairedCounts.from_predictions(y, a, b, groups=groups)
    for of in (counts.gap_interval, lambda *n, **o: pair.gap_change(*n, **o).interval):
        assert of(name, seed=0) == of(name, seed=1, replicates=3)
    # Of two models the base rate is the same: only the gap itself is drawn.
    drawn = {"replicates": 20, "kind": "percentile"}
    of = counts.gap_interval
    assert of(name, seed=0, **drawn) != of(name, seed=1, **drawn)


def rows_of(name, rates, overall=None):
    """A gap of rates of three groups, alone and as one of three classes."""
    rates = np.array(rates)[:, np.newaxis]
    whole = None if overall is None else np.full((1, 1), overall)
    (found,) = GAPS[name].compare(rates, whole)
    return found


@pytest.mark.parametrize(
    ("name", "rates", "overall", "expected"),
    [
        ("accuracy_gap", [0.25, 0.75, 0.5], None, 0.5),
        ("accuracy_gap", [0.25, 0.75, 0.5], 0.625, 0.375),
        ("accuracy_gap", [0.25, 0.75], 0.375, 0.375),
        ("accuracy_gap", [0.25, np.nan], 0.375, np.nan),
        ("demographic_parity_ratio", [0.25, 0.75, 0.5], None, 1 / 3),
        # Lower over higher, against all: .25 / .625, .625 / .75, .5 / .625.
        ("demographic_parity_ratio", [0.25, 0.75, 0.5], 0.625, 0.4),
        ("demographic_parity_ratio", [0.5, 1.0], 0.625, 0.625),
        ("demographic_parity_ratio", [0.0, 0.0], None, np.nan),
        ("demographic_parity_ratio", [0.25, np.nan], 0.25, np.nan),
        # One group suffices.
        ("worst_group_accuracy", [0.25, np.nan], None, 0.25),
        ("worst_group_accuracy", [0.75, 0.5], 0.625, 0.5),
        ("worst_group_accuracy", [np.nan, np.nan], None, np.nan),
    ],
)
def test_what_a_row_compares(name, rates, overall, expected):
    with warnings.catch_warnings(action="error"):
        found = rows_of(name, rates, overall)
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("overall", [None, 0.5], ids=["groups", "overall"])
@pytest.mark.parametrize(
    "name", ["accuracy_gap", "demographic_parity_ratio", "worst_group_accuracy"]
)
def test_each_class_of_each_replicate_has_a_gap_of_its_own(name, overall):
    rates = np.random.default_rng(0).random((2, 3, 4))
    rates[0, :2, 1] = np.nan  # One group has a rate.
    rates[1, :, 2] = np.nan
    rates[1, 1, 3] = np.nan
    whole = None if overall is None else np.full((2, 1, 4), overall)
    found = GAPS[name].compare(rates, whole)
    assert found.shape == (2, 4)
    for replicate, label in np.ndindex(2, 4):
        expected = rows_of(name, rates[replicate, :, label], overall)
        assert found[replicate, label] == pytest.approx(expected, nan_ok=True)
    undefined = 1 if name == "worst_group_accuracy" else 2
    assert np.isnan(found).sum() == undefined


def test_a_row_has_a_domain_and_a_direction_of_its_own():
    row = GapDefinition(("precision",), GAPS["accuracy_gap"].compare, "")
    assert row.domain == (0, 1)
    assert not row.higher_is_better
    assert row.contrast is None
