"""SIGTERM ends a main soon, also one that swallows the interrupt."""

import signal
import subprocess
import sys
import time

import pytest

MAIN = """
import signal
import time
from pipelines.cli import start

# A shell that starts the tests in its background has them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

def main(argv):
    try:
        print("runs", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        if argv[1] == "swallow":
            time.sleep(60)
        raise

start.run(main)
"""


@pytest.mark.parametrize(
    ("number", "code", "how"),
    [
        (signal.SIGTERM, 143, "raise"),
        (signal.SIGTERM, 143, "swallow"),
        (signal.SIGINT, 130, "raise"),
    ],
)
def test_a_signal_ends_a_main(number, code, how):
    command = [sys.executable, "-c", MAIN, how]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes)
    assert process.stdout.readline() == "runs\n"
    began = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert time.monotonic() - began < 10
    if how == "raise":
        assert said == "\ninterrupted; the same command continues from here\n"
