"""Flags that several mains have in common."""

from absl import flags
from ml_collections import config_flags

POLICY = config_flags.DEFINE_config_file(
    "policy",
    None,
    "The policy, such as configs/policies/demo.py.",
    lock_config=True,
)
RUN = flags.DEFINE_string(
    "run",
    "",
    "The run, such as student-t04/seed0. Default: of the temperature that validation "
    "data recommend, the seed with the highest validation accuracy.",
)


def policy_file() -> str:
    """The path that --policy was given."""
    return config_flags.get_config_filename(flags.FLAGS["policy"])
