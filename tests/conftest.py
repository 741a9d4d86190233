"""What several tests need: TensorFlow as the mains set it up, and a tiny data set."""

import collections
import os
import pathlib

# As in pipelines/__init__.py; read when TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

SHARED = pathlib.Path(__file__).parents[2] / "shared"
# Beginnings of the reasons for which CI may skip a test; it has all else.
MAY_SKIP = (
    "Bazel is not installed",
    # It has an environment of its own, see docs/tfx.md.
    "TFX is not installed",
    # Of no Python package here, or optional and not in the lock: docs/testing.md.
    "axe-core is not installed",
    "pypdfium2 is not installed",
    "MLflow is not installed",
    "Weights & Biases is not installed",
    "zsh is not installed",
    # Data that NLTK downloads.
    "WordNet is not installed",
)


def _skips(reporter) -> collections.Counter:
    """Reason -> number of tests that were skipped for it."""
    reasons = (report.longrepr[2] for report in reporter.stats.get("skipped", []))
    return collections.Counter(reason.removeprefix("Skipped: ") for reason in reasons)


def pytest_terminal_summary(terminalreporter):
    skips = _skips(terminalreporter)
    for reason, count in skips.most_common():
        terminalreporter.line(f"not run: {count} tests: {reason}")
    terminalreporter.line(f"not run in all: {skips.total()} tests")


def pytest_sessionfinish(session):
    """In CI a test that CI could run may not be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    allowed = MAY_SKIP if SHARED.exists() else (*MAY_SKIP, "the offline data", "needs ")
    refused = [reason for reason in _skips(reporter) if not reason.startswith(allowed)]
    if refused and session.exitstatus == 0:
        reporter.line(f"error: CI may not skip tests for these reasons: {refused}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def tiny_dataset():
    from tiny_dataset import make_tiny_dataset

    return make_tiny_dataset()
