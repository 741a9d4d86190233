"""Runs pytest for a Bazel test: files in argv, results where Bazel wants them."""

import os
import sys

import pytest


def main(files: list[str]) -> int:
    scratch = os.environ["TEST_TMPDIR"]
    # Keras, Matplotlib and Chromium write there; Bazel does not pass it on.
    os.environ.setdefault("HOME", scratch)
    options = ["-p", "no:cacheprovider", f"--basetemp={scratch}/pytest"]
    options.append(f"--junitxml={os.environ['XML_OUTPUT_FILE']}")
    if chosen := os.environ.get("TESTBRIDGE_TEST_ONLY"):  # bazel test --test_filter
        options += ["-k", chosen]
    return pytest.main([*options, *files])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
