"""The flag that the mains which write the report have in common."""

from absl import flags

PUBLISHED = flags.DEFINE_string(
    "published",
    "",
    "Directory of published numbers to show beside the study's, with "
    "group_fairness.csv, class_bias.csv or individual_fairness.csv.",
)
