"""How every main starts, and how it answers bad input: one line, exit code 1."""

import os
import signal
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging

# oneDNN makes a convolution's training step two to four times as fast on CPUs where
# TensorFlow leaves it off; it is read when TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# What goes wrong in TensorFlow reaches Python as an exception; its C++ log is noise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Here since every main has it, and one process may import several mains.
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the study.")

EXPECTED = (ValueError, TypeError, OSError, AttributeError, KeyError, flags.Error)


def run(
    main: Callable[[Sequence[str]], None],
    needs: Sequence[str] = (),
    known_only: bool = False,
) -> None:
    """Parses the flags and calls `main` with the program's name and what is left.

    Args:
      main: takes the arguments that are no flags.
      needs: names of flags without which the main can do nothing.
      known_only: whether flags that absl does not know are left to the main.
    """
    # So that --help shows it with the main's own flags.
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS["workdir"])
    app.run(
        lambda argv: _call(main, argv),
        flags_parser=lambda argv: _parse(argv, needs, known_only),
    )


def _parse(
    argv: Sequence[str], needs: Sequence[str], known_only: bool
) -> Sequence[str]:
    try:
        rest = flags.FLAGS(argv, known_only=known_only)
    # Config flags load a file and set its fields: any of these is the user's input.
    except EXPECTED as error:
        _fail(error)
    for name in needs:
        if not flags.FLAGS[name].value:
            _fail(f"--{name} is needed. See `{_module()} --help`.")
    return rest


def _call(main: Callable[[Sequence[str]], None], argv: Sequence[str]) -> None:
    # A terminated run ends as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.set_verbosity(logging.ERROR)
    try:
        main(argv)
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the same command goes on where it was")
    except (ValueError, TypeError, OSError, *_file_errors()) as error:
        _fail(error)


def _file_errors() -> tuple[type[Exception], ...]:
    """What tf.io.gfile raises, without importing TensorFlow for it."""
    files = sys.modules.get("kd_keras.files")
    return files.ERRORS if files else ()


def _fail(problem: object) -> None:
    # str() of a KeyError is the repr of its message.
    text = problem.args[0] if isinstance(problem, KeyError) else problem
    sys.exit("error: " + " ".join(str(text).split()))


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    return f"python -m {spec.name}" if spec else sys.argv[0]
