"""How every main starts, and how it answers bad input: one line, exit code 1."""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from pipelines.cli import given, quiet
from pipelines.terminal import printable

# Here since every main has it, and one process may import several mains.
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the study.")
flags.DEFINE_string(
    "module_path",
    "",
    "Folders with the modules that the study names, apart by ':'. What is in them may "
    "be run. Those of --config and --policy are among them.",
)

# From SIGTERM to the end at the latest.
GRACE_SECONDS = 5.0

EXPECTED = (ValueError, TypeError, OSError, AttributeError, KeyError, flags.Error)


def run(
    main: Callable[[Sequence[str]], None],
    needs: Sequence[str] = (),
    known_only: bool = False,
    unless: Callable[[], str] = str,
) -> None:
    """Parses the flags and calls `main` with the program's name and what is left.

    Args:
      main: takes the arguments that are no flags.
      needs: names of flags without which the main can do nothing.
      known_only: whether flags that absl does not know are left to the main.
      unless: is called first, before TensorFlow is imported; what it says is printed
        in place of `main`. "" calls `main`.
    """
    # So that --help shows it with the main's own flags.
    for name in ("workdir", "module_path"):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])
    app.run(
        lambda argv: _call(main, argv, unless),
        flags_parser=lambda argv: _parse(argv, needs, known_only),
    )


def _parse(
    argv: Sequence[str], needs: Sequence[str], known_only: bool
) -> Sequence[str]:
    try:
        given.check_files(argv)
        given.set_module_path(argv)
        rest = flags.FLAGS(argv, known_only=known_only)
    # Config flags load a file and set its fields: any of these is the user's input.
    except EXPECTED as error:
        _fail(error)
    for name in needs:
        if not flags.FLAGS[name].value:
            _fail(f"--{name} is needed. See `{_module()} --help`.")
    return rest


def _call(
    main: Callable[[Sequence[str]], None],
    argv: Sequence[str],
    unless: Callable[[], str],
) -> None:
    signal.signal(signal.SIGTERM, _terminate)
    logging.set_verbosity(logging.ERROR)
    try:
        if said := unless():
            print(said)
            return
        quiet.import_tensorflow()
        main(argv)
    except KeyboardInterrupt as interrupt:
        print("\ninterrupted; the same command continues from here", file=sys.stderr)
        # As shells say it: 130 after Ctrl-C, 143 after SIGTERM.
        sys.exit(128 + (interrupt.args or (signal.SIGINT,))[0])
    except _expected_errors() as error:
        _fail(error)


def _terminate(number: int, frame: object) -> None:
    # A library may swallow the interrupt, or wait for its threads. Files are whole at
    # any moment, so that the process can be left then.
    last = threading.Timer(GRACE_SECONDS, os._exit, [128 + number])
    last.daemon = True
    last.start()
    # A terminated main ends as an interrupted one does.
    raise KeyboardInterrupt(number)


def _expected_errors() -> tuple[type[Exception], ...]:
    """Those of tf.io.gfile among them, without importing TensorFlow for it."""
    files = sys.modules.get("kd_keras.files")
    of_files: tuple[type[Exception], ...] = files.ERRORS if files else ()
    return (ValueError, TypeError, OSError, *of_files)


def _fail(problem: object) -> None:
    # ml_collections wraps the KeyError of an unknown field.
    if isinstance(problem, AttributeError) and isinstance(problem.args[0], KeyError):
        problem = problem.args[0]
    # str() of a KeyError is the repr of its message.
    text = problem.args[0] if isinstance(problem, KeyError) else problem
    # TensorFlow adds the node of its graph, and the operation.
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*?\]", "", str(text))
    # ml_collections adds where a config file failed; the last line says why.
    text = re.sub(r"Traceback \(most recent call last\):\n(\s.*\n)+", "", text)
    sys.exit(printable.printable("error: " + " ".join(text.split())))


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    return f"python -m {spec.name}" if spec else sys.argv[0]
