"""Which groups decide a gap, and which are left out of it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kd_keras.auditing.names import attribute_name, examples, group_name, metric_name
from kd_keras.fairness import GAPS, GroupCounts, gap
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.encoding import Group


def deciding(
    counts: GroupCounts, name: str, attribute: Attribute, min_examples: int
) -> tuple[Group, Group, int | None] | None:
    """The groups between which a gap is.

    Returns:
      The groups with the lowest and the highest rate and, of several classes, the one
      whose gap is the largest; None for an undefined gap, or where all are equal.
    """
    found = gap(counts, name, attribute=attribute, min_examples=min_examples)
    if np.isnan(found.value):
        return None
    worst = None
    if found.lowest is None:
        values = -found.by_class if GAPS[name].higher_is_better else found.by_class
        worst = int(np.nanargmax(values))
        one = counts.one_vs_rest(worst)
        found = gap(one, name, attribute=attribute, min_examples=min_examples)
    if found.lowest is None or found.highest is None or found.lowest == found.highest:
        return None
    return found.lowest, found.highest, worst


def deciding_lines(
    counts: Mapping[str, GroupCounts],
    gaps: Sequence[str],
    attribute: Attribute,
    class_names: Sequence[str],
    min_examples: int,
) -> Iterator[str]:
    """One line for each pair of groups that decides a gap, with their sizes."""
    first = next(iter(counts.values()))
    sizes = first.accuracy(attribute).examples
    for name in gaps:
        models: dict[tuple, list[str]] = {}
        for model, of in counts.items():
            pair = deciding(of, name, attribute, min_examples)
            if pair:
                models.setdefault(pair, []).append(model)
        for (low, high, worst), of_models in models.items():
            between = " and ".join(
                f"{group_name(group)} ({examples(sizes[group])})"
                for group in dict.fromkeys((low, high))
            )
            of_class = "" if worst is None else f", most for {class_names[worst]!r}"
            by = attribute_name(attribute)
            yield (
                f"{metric_name(name)} by {by} of {', '.join(of_models)} is decided by "
                f"{between}{of_class}"
            )


def left_out_lines(
    counts: GroupCounts,
    gaps: Sequence[str],
    attribute: Attribute,
    class_names: Sequence[str],
    min_examples: int,
) -> Iterator[str]:
    """Groups, and rates of groups, with too few examples; and examples without one."""
    sizes = counts.accuracy(attribute).examples
    small = {group: n for group, n in sizes.items() if n < min_examples}
    for group, n in small.items():
        yield f"{group_name(group)}: {examples(n)}, not compared"
    rates = {
        (rate.rate, rate.positive_class): rate.groups
        for name in gaps
        for rate in gap(
            counts, name, attribute=attribute, min_examples=min_examples
        ).undefined
        if rate.positive_class is not None
    }
    for (rate, positive), groups in rates.items():
        one = counts if counts.num_classes == 2 else counts.one_vs_rest(positive)
        denominators = getattr(one, rate)(attribute).examples
        of_class = f" of {class_names[positive]!r}" if counts.num_classes > 2 else ""
        for group in groups:
            if group not in small:
                yield (
                    f"{group_name(group)}: its {rate.replace('_', ' ')}{of_class} is "
                    f"of {examples(denominators[group])}, not compared"
                )
    without = counts.num_examples - sum(sizes.values())
    if without:
        yield (
            f"{examples(without)} without a group by {attribute_name(attribute)}, in "
            "no gap"
        )
