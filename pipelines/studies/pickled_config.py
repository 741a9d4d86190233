"""Keeps TFMA from unpickling the config of an evaluation.

Where `eval_config.json` is missing, TFMA reads `eval_config`, a pickle of versions
before 0.22. A pickle runs code when it is read, and a working directory may come from
anybody.
"""

import types

from kd_keras import files

NAME = "eval_config"


def refuse() -> None:
    """From here on, TFMA raises a ValueError in this process instead of unpickling."""
    from tensorflow_model_analysis.writers import eval_config_writer

    # The module's own name for what would run the code.
    eval_config_writer.pickle = types.SimpleNamespace(load=_refuse, loads=_refuse)


def check(workdir: str) -> None:
    """Raises a ValueError that names the first pickled config of a study."""
    found = files.gfile.glob(files.join(workdir, "*", "*", "evaluation*", NAME))
    if found:
        raise ValueError(
            f"{min(found)} is a pickle, which can run code, and no file of a study. "
            "Do not trust this --workdir. If you do, delete the file."
        )


def _refuse(*_: object, **__: object) -> None:
    raise ValueError(
        f"The evaluation has no eval_config.json, and {NAME} is a pickle, which can "
        "run code: it is not read. Evaluate the study again."
    )
