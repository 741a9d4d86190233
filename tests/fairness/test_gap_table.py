"""A gap is one row: what is made of it, and what help() says."""

import inspect
import subprocess
import sys

import pytest

from kd_keras import fairness
from kd_keras.fairness import GAPS, GroupCounts

# Put before anything is imported that reads the table.
NEW_ROW = """
from kd_keras.fairness import gap_table
gap_table.GAPS["precision_difference"] = gap_table.GapDefinition(
    ("precision",), gap_table.GAPS["accuracy_gap"].compare, "Highest minus lowest PPV."
)
for module in ("gaps", "gap_intervals", "group_counts", "array_gaps", ""):
    __import__("sys").modules.pop("kd_keras.fairness" + (module and "." + module), None)
"""
USES = """
import sys
from kd_keras.fairness import GAPS, GroupCounts, PairedCounts, precision_difference
y, p, g = [1, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], list("aaabbb")
counts = GroupCounts.from_predictions(y, p, groups={"g": g})
# 2 of 3 in a, 2 of 3 in b; without the second example 2 of 2 in a.
assert float(counts.precision_difference("g")) == 0
w = [1, 0, 1, 1, 1, 1]
found = precision_difference(y, p, sensitive_features=g, sample_weight=w)
assert abs(found - 1 / 3) < 1e-12
pair = PairedCounts.from_predictions(y, p, p, groups={"g": g})
assert pair.gap_change("precision_difference", "g", replicates=9).interval.value == 0
assert counts.gap_interval("precision_difference", "g", replicates=9).value == 0
from pipelines.evaluation.metrics.group_gaps import GroupGap
assert GroupGap("precision_difference", "g").name == "precision_difference/g"
from pipelines.release import policy
assert "precision_difference" in policy.METRICS
from pipelines.analysis import choice
assert "precision_difference" in choice.METRICS
"""


def test_a_new_gap_is_one_row():
    program = f"import kd_keras.fairness\n{NEW_ROW}\n{USES}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", GAPS)
def test_help_shows_what_a_gap_is(name):
    for function in (getattr(fairness, name), getattr(GroupCounts, name)):
        assert function.__name__ == name
        assert inspect.getdoc(function).startswith(GAPS[name].text)
        parameters = inspect.signature(function).parameters
        assert parameters["method"].default == "between_groups"
        assert ("agg" in parameters) == ("odds" in name)
        for parameter in parameters.keys() - {"counts"}:
            assert f"\n    {parameter}: " in inspect.getdoc(function)
    assert list(inspect.signature(getattr(fairness, name)).parameters)[:3] == [
        "y_true",
        "y_pred",
        "sensitive_features",
    ]
    assert name in fairness.__all__


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
