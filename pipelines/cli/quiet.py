"""TensorFlow imported without the lines that it prints for its own developers.

`python -m pipelines.cli.quiet MODULE ARGUMENTS` runs a module after that.
"""

import contextlib
import os
import runpy
import sys
import tempfile
from collections.abc import Iterator


def import_tensorflow() -> None:
    """Imports TensorFlow and looks for devices; prints what failed, if it fails."""
    with _held_back():
        import tensorflow as tf

        # Finds no GPU on most machines, and says so in three lines.
        tf.config.list_physical_devices()


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Keeps what is written to stderr inside, and shows it if that raises.

    TensorFlow's libraries write to the file descriptor, before they read any setting
    that could tell them not to.
    """
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:
            kept.seek(0)
            os.write(shown, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(shown, 2)
            os.close(shown)


if __name__ == "__main__":
    import_tensorflow()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
