"""Two replicas give the update and the logs of one device."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("replicas.py")
# One case for each way in which a mean or a statistic crosses replicas.
KEY_CASES = (
    *("weighted", "dist", "keras_loss", "weighted_hints", "masked", "hard_sum"),
    "groups",
)


def differences(names):
    """Rows (case, largest difference of logs and weights)."""
    # Logical devices must be set before TensorFlow starts, so in a new process.
    output = subprocess.run(
        [sys.executable, SCRIPT, *names],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout
    return [json.loads(line) for line in output.splitlines()]


def test_row_8_two_replicas_equal_one_device():
    rows = differences(KEY_CASES)
    assert len(rows) == len(KEY_CASES)
    assert [row for row in rows if not row[1] <= 1e-6] == []


@pytest.mark.slow
def test_row_8_for_every_other_form_of_loss():
    rows = differences(["--but", *KEY_CASES])
    assert len(rows) == 23 - len(KEY_CASES)
    assert [row for row in rows if not row[1] <= 1e-6] == []
