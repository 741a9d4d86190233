"""Finds pickled configs of evaluations: a pickle runs code when it is read.

TFMA reads them, and a working directory may come from anybody.
"""

from kd_keras import files

# TFMA's file of versions before 0.22.
NAME = "eval_config"


def check(workdir: str) -> None:
    """Raises a ValueError that names the first pickled config of a study."""
    found = files.glob(workdir, f"*/*/evaluation*/{NAME}")
    if found:
        raise ValueError(
            f"{min(found)} is a pickle, which can run code, and no file of a study. "
            "Do not trust this --workdir. If you do, delete the file."
        )
