"""Which groups decide a gap of a model's runs, for people."""

import collections
from collections.abc import Sequence

from kd_keras.fairness import GAPS, Gap


def deciding(found: Sequence[Gap], class_names: Sequence[str]) -> str:
    """The groups between which most runs have a gap, with their sizes.

    Such as "b (40 examples) and a (50 examples), in 2 of 3 seeds"; of several classes
    those of the most unequal one, which is named; of the worst group that one alone.
    Empty where no groups decide.
    """
    pairs: collections.Counter[str] = collections.Counter()
    for gap in found:
        ends = gap.widest
        # Between equal rates nobody decides.
        if ends and ends.lowest.group != ends.highest.group:
            of_class = ""
            if len(gap.by_class) > 1 and ends.positive_class is not None:
                of_class = f", most for {class_names[ends.positive_class]}"
            who = ends.lowest if is_of_one(gap.name) else ends
            pairs[f"{who}{of_class}"] += 1
    for pair, runs in pairs.most_common(1):
        return pair + (f", in {runs} of {len(found)} seeds" if len(found) > 1 else "")
    return ""


def is_of_one(metric: str) -> bool:
    """Whether a gap is the rate of one group, such as the worst group's accuracy."""
    return metric in GAPS and GAPS[metric].contrast == "lowest"
