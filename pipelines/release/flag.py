"""--policy, which gate and select have in common."""

from ml_collections import config_flags

POLICY = config_flags.DEFINE_config_file(
    "policy",
    None,
    "The policy, such as configs/policies/demo.py.",
    lock_config=True,
)
