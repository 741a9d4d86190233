"""Keeps TFMA from unpickling the config of an evaluation, in this process.

Where `eval_config.json` is missing, TFMA reads `eval_config`, a pickle of versions
before 0.22.
"""

import types

from tensorflow_model_analysis.writers import eval_config_writer

from pipelines.studies.pickled_config import NAME


def refuse() -> None:
    """From here on, TFMA raises a ValueError in this process instead of unpickling."""
    # The module's own name for what would run the code.
    eval_config_writer.pickle = types.SimpleNamespace(load=_refuse, loads=_refuse)


def _refuse(*_: object, **__: object) -> None:
    raise ValueError(
        f"The evaluation has no eval_config.json, and {NAME} is a pickle, which can "
        "run code: it is not read. Evaluate the study again."
    )
