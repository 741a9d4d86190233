"""A first config and a first policy for a table, with what was decided for it."""

import collections
import math
import pathlib
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_keras import files
from kd_keras.datasets import columns, encode, splits, table, table_features
from kd_keras.fairness.gap_groups import number_of_examples

# More classes or groups than that are taken for numbers, or for a mistake.
MOST = 20
UNKNOWN = ("?", "unknown", "Unknown", "n/a")
QUARTILES = (25, 50, 75)
# Of a table that says no split: the shares that choose and that judge.
SHARES, SHARES_OF_FEW, FEW = (0.1, 0.2), (0.2, 0.3), 20_000
FRACTIONS = ("validation_fraction", "test_fraction")
LEAST = 10  # Examples of a rate, as the policy has it.
BOUND = 5  # Points that a gap may be wider than the teacher's, as the policy has it.
DATE = re.compile(r"\s*(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})\b")


class New(NamedTuple):
    """What was written.

    Attributes:
      config, policy: paths.
      workdir: where the study may be made.
      decided: sentences for people.
    """

    config: str
    policy: str
    workdir: str
    decided: list[str]


def write(path: str, label: str, groups: Sequence[str], positive: str = "") -> New:
    """Writes `<table>.py` and `<table>_policy.py` beside the table.

    Args:
      path: the table.
      label: column of the label.
      groups: columns of sensitive attributes.
      positive: the one of two classes whose rates are compared; "" for the second in
        the order of the alphabet.

    Raises:
      ValueError: if a file is there already, or the table cannot be used.
    """
    where = pathlib.Path(path)
    name = _identifier(where.name.partition(".")[0])
    if not name.isidentifier():
        name = f"study_{name}"
    config, policy = (str(where.with_name(f"{name}{s}.py")) for s in ("", "_policy"))
    there = [path for path in (config, policy) if files.exists(path)]
    if there:
        are = "is" if len(there) == 1 else "are"
        raise ValueError(
            f"{' and '.join(there)} {are} there already. Delete or rename what is to "
            "be written anew."
        )
    read = columns.read(path)
    words = _unknown_words(read)
    if words:
        read = columns.read(path, missing=words)
    columns.require(read, [label], "--label")
    shares = SHARES_OF_FEW if len(read[label]) < FEW else SHARES
    options, decided = _decide(read, label, groups, positive, shares[1])
    options = {"name": "table", "path": where.name, **options, "missing": words}
    decided += [f"{words} stand for a missing value"] if words else []
    if not options["split"]:
        options |= dict(zip(FRACTIONS, shares, strict=True))
        decided.append(
            f"of the rows {100 * shares[0]:g} % choose (validation) and "
            f"{100 * shares[1]:g} % judge (test)"
        )
    rows = splits.split_rows(len(read[label]), read.get(options["split"]), shares, 0)
    # What the study would refuse is refused here.
    beside = ("path", "missing", "split", *FRACTIONS)
    left = {k: v for k, v in options.items() if k not in beside}
    table.of_columns(read, rows, **{"bins": {}, **left}, beside=(options["split"],))
    attributes = table.attributes(**options)
    bins = _bins(read, options["features"])
    files.write_text(config, _config(name, options, attributes, decided, bins))
    files.write_text(policy, _policy(name, attributes))
    return New(config, policy, str(where.with_name(f"{name}_study")), decided)


def _unknown_words(read: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    found = {v for c in read.values() if c.dtype == object for v in c.tolist()}
    return tuple(word for word in UNKNOWN if word in found)


def _decide(
    read: Mapping[str, np.ndarray],
    label: str,
    groups: Sequence[str],
    positive: str,
    share: float,
) -> tuple[dict[str, Any], list[str]]:
    """The options of the data set, and why; `share` of the rows judges."""
    columns.require(read, list(groups), "--groups")
    classes = _ordered(label, _classes(label, read[label]), positive)
    decided = [f"the label {label} has the classes {_counts(read[label])}"]
    if len(classes) == 2:
        decided.append(
            f"{classes[1]} is positive: rates and impact ratios are of those who get "
            f"it. If it is the other one: {shlex.quote(f'--positive={classes[0]}')}"
        )
    for alike in _alike(label, read[label]):
        raise ValueError(f"{alike}. A label has to be unmistakable.")
    named, bins = [], {}
    for group in groups:
        values = read[group]
        if values.dtype.kind in "iuf" and len(np.unique(values)) > MOST:
            bins[group] = _quartiles(values.astype(float))
            decided.append(f"{group} is a number, cut at its quartiles {bins[group]}")
            codes, names = encode.bins(group, values, tuple(bins[group]))
            values = np.array([*names, None], object)[codes]  # -1 is the last.
        else:
            named.append(group)
        here = {v for v in values.tolist() if v is not None and v == v}  # No NaN.
        if len(here) < 2:
            raise ValueError(
                f"--groups names {group!r}, in which all are in one group: "
                f"{[*map(str, here)]}. Nothing can be compared; name another column."
            )
        counts = _counts(values)
        nobody = "; who is missing is in no group" if ", missing (" in counts else ""
        decided.append(f"the groups of {group} are {counts}{nobody}")
        decided += [f"BUT {alike}" for alike in _alike(group, values)]
        if "split" not in read:
            decided += _evidence(group, values, read[label], share)
    example_id, split = "", ""
    kinds: dict[str, str] = {}
    for column, values in read.items():
        if column == label or column in groups:
            continue
        distinct = len(set(values.tolist())) if values.ndim == 1 else 2
        if column.lower() == "id":
            encode.check_ids(column, values)
        if column == "split" and set(values.tolist()) <= set(splits.SPLITS):
            split = column
            decided.append("the column split says which split a row is in")
        elif distinct == 1:
            decided.append(f"{column} is left out: all its values are the same")
        elif _are_dates(values):
            decided.append(
                f"{column} is no feature, for it looks like dates: make a number of it "
                "first, such as days, if it counts"
            )
        elif values.dtype.kind not in "f" and distinct == len(values):
            if column.lower() == "id" or column.lower().endswith("_id"):
                example_id = example_id or column
            decided.append(f"{column} is no feature: each row has another value")
        else:
            kinds[column] = "number" if values.dtype.kind in "iuf" else "category"
    absent = [
        f"{column} ({number:,})"
        for column in kinds
        if (number := int(columns.is_missing(read[column]).sum()))
    ]
    if absent:
        decided.append(
            f"missing values are in {', '.join(absent)}: a number that is missing "
            "becomes the mean, and a feature says where"
        )
    if named or bins:
        decided.append(
            f"{', '.join([*named, *bins])} only tell people apart: no model reads "
            "them, unless you add them to features"
        )
    for kind in table_features.KINDS:
        of_kind = [column for column, found in kinds.items() if found == kind]
        renamed = [
            f"{column} as {feature}"
            for column in of_kind
            for feature in [table_features.feature_name(column)]
            if feature != column
        ]
        if renamed:
            decided.append(f"models know {', '.join(renamed)}")
        if of_kind:
            decided.append(f"as {kind}: {', '.join(of_kind)}")
    options = {
        "label": label,
        "class_names": classes,
        "features": kinds,
        "groups": tuple(named),
        "bins": bins,
        "example_id": example_id,
        "split": split,
    }
    return options, decided


def _ordered(label: str, classes: tuple[str, ...], positive: str) -> tuple[str, ...]:
    """The classes with the positive one at the end."""
    if not positive:
        return classes
    if positive not in classes or len(classes) != 2:
        raise ValueError(
            f"--positive must be one of two classes of {label!r}. Received: "
            f"{positive!r}; the classes are {list(classes)}."
        )
    return (*(c for c in classes if c != positive), positive)


def _counts(values: np.ndarray) -> str:
    """Such as: f (1,203), m (1,700), missing (97)."""
    names = ["missing" if v is None or v != v else str(v) for v in values.tolist()]
    counts = collections.Counter(names)
    missing = counts.pop("missing", 0)
    found = [*sorted(counts.items()), *([("missing", missing)] if missing else [])]
    return ", ".join(f"{name} ({count:,})" for name, count in found)


def _are_dates(values: np.ndarray) -> bool:
    """Whether nearly all values are such as 2026-01-31 or 31.1.2026."""
    known = [v for v in values.tolist() if isinstance(v, str)]
    return bool(known) and sum(map(bool, map(DATE.match, known))) > 0.9 * len(known)


def _evidence(
    column: str, values: np.ndarray, labels: np.ndarray, share: float
) -> list[str]:
    """How well the test split will know the gaps of an attribute; whom it lacks."""
    pairs = zip(values.tolist(), labels.tolist(), strict=True)
    known = [(g, c) for g, c in pairs if not {g, c} & {None} and g == g and c == c]
    counts = collections.Counter(known)
    groups, classes = ({pair[i] for pair in known} for i in (0, 1))
    every = {(g, c): counts[g, c] * share for g in groups for c in classes}
    if not every:
        return []
    (group, of), fewest = min(every.items(), key=lambda pair: (pair[1], str(pair[0])))
    about = (
        f"of {column} {group} the test split will have about "
        f"{number_of_examples(round(fewest))} of {of}"
    )
    if fewest < LEAST:
        return [
            f"BUT {about}: rates of fewer than {LEAST} are in no gap, and the gate "
            "will not decide. Take fewer groups, more rows, or a larger test_fraction; "
            "or put small groups together in the table"
        ]
    # Of a rate of 1/2, at 95 %.
    points = 98 / math.sqrt(fewest)
    if points <= BOUND:
        return []
    return [
        f"BUT {about}: it will know that rate to {points:.0f} points at best, and the "
        f"gate may not decide about a bound of {BOUND}. Take more rows, a larger "
        "test_fraction, or a wider bound in the policy; or leave the group out by a "
        "higher min_examples there"
    ]


def _alike(column: str, values: np.ndarray) -> list[str]:
    """A warning of values that a slip of the pen may have made two of."""
    names: dict[str, list[str]] = {}
    for name in sorted({v for v in values.tolist() if isinstance(v, str)}):
        names.setdefault(" ".join(name.split()).casefold(), []).append(name)
    return [
        f"{' and '.join(map(repr, same))} in {column} differ by case or blanks alone: "
        "make one of them, if they mean the same"
        for same in names.values()
        if len(same) > 1
    ]


def _quartiles(values: np.ndarray) -> list[float]:
    """Edges that a person can read: to two digits of what lies between them."""
    low, middle, high = np.nanpercentile(values, QUARTILES)
    digits = 1 - math.floor(math.log10(high - low)) if high > low else 0
    return sorted({round(float(q), digits) for q in (low, middle, high)})


def _classes(label: str, values: np.ndarray) -> tuple[str, ...]:
    found = sorted({str(v) for v in values.tolist() if v is not None})
    if len(found) > MOST and values.dtype.kind == "f":
        raise ValueError(
            f"Column {label!r} must be a class. Received: {len(found)} numbers, such "
            f"as {found[0]}. Make classes of it first."
        )
    if values.dtype == object:
        return tuple(found)
    return encode.labels(label, values)[1]


def _bins(read: Mapping[str, np.ndarray], kinds: Mapping[str, str]) -> int:
    """Enough bins to keep categories apart, and no more: they make a model large."""
    most = [len(set(read[c].tolist())) for c, kind in kinds.items() if kind != "number"]
    return min(1000, 2 ** math.ceil(math.log2(16 * max(most, default=1))))


def _config(
    name: str,
    options: Mapping[str, Any],
    attributes: Sequence[str],
    decided: Sequence[str],
    bins: int,
) -> str:
    # A cell of the table may have line breaks, and what follows one would be code.
    lines = "".join(f"    # - {' '.join(line.split())}\n" for line in decided)
    fields = {k: v for k, v in options.items() if k != "path"}
    rows = (f"        {key!r}: {value!r},\n" for key, value in fields.items())
    dataset = "{\n" + "".join(rows) + "    }"
    return f'''"""A study of the table {name}."""

import pathlib

import ml_collections

from configs import _protocol

FOLDER = pathlib.Path(__file__).resolve().parent


def get_config() -> ml_collections.ConfigDict:
    # Decided by `python -m pipelines.new`; change what is wrong:
{lines}    dataset = {dataset}
    dataset["path"] = str(FOLDER / {options["path"]!r})
    config = _protocol.study(
        {name!r},
        dataset=dataset,
        attributes={tuple(attributes)!r},
        # kd_keras.models.MODELS, or a model of your own in a file beside this one:
        # "my_model:build", see docs/own_study.md.
        # Categories are hashed into num_bins; each bin has embedding_dim weights.
        teacher=_recipe("mlp", hidden_units=(128, 64), num_bins={bins}),
        student=_recipe("mlp", hidden_units=(4,), num_bins={bins}, embedding_dim=2),
    )
    # Three trainings of each model: fewer say little of what chance does.
    config.seeds = (0, 1, 2)
    config.temperatures = (1.0, 4.0, 10.0)
    return config


def _recipe(model: str, **model_options: object) -> ml_collections.ConfigDict:
    return _protocol.recipe(
        model,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="cosine",
        epochs=20,
        batch_size=64,
        model_options=model_options,
    )
'''


def _policy(name: str, attributes: Sequence[str]) -> str:
    worst = attributes[0] if attributes else ""
    metric = "equalized_odds_difference" if attributes else "ece"
    conditions = "".join(
        f"""    policy.conditions.eod_{identifier} = _condition(
        metric="equalized_odds_difference",
        attribute={attribute!r},
        against="teacher",
        at_most=0.05,
    )
    policy.conditions.worst_{identifier} = _condition(
        metric="worst_group_accuracy", attribute={attribute!r}, at_least=0.5
    )
"""
        for attribute, identifier in _identifiers(attributes).items()
    )
    return f'''"""What a student of {name} has to keep before it is released."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    policy = ml_collections.ConfigDict()
    policy.name = {name!r}
    policy.level = 0.95  # Coverage of every interval.
    policy.replicates = 1000  # Of the bootstrap.
    # Groups with fewer examples of a rate are left out of gaps.
    policy.min_examples = 10
    # What refuses a release: "failed", "undecided" (the interval has the bound inside),
    # "insufficient evidence".
    policy.refuse = ("failed", "undecided", "insufficient evidence")

    # Which temperature is recommended: the one with the smallest gap, of those that
    # lose at most `tolerance` in accuracy. '' takes the attribute with the largest gap.
    policy.selection = ml_collections.ConfigDict()
    policy.selection.metric = {metric!r}
    policy.selection.attribute = {worst!r}
    policy.selection.tolerance = 0.01

    # What `pipelines.mitigate` may try: "thresholds" for groups, and methods that
    # train, such as "balanced" or "group_dro".
    policy.mitigation = ml_collections.ConfigDict()
    policy.mitigation.methods = ("thresholds",)

    # These bounds are a beginning, and no verdict: what harm is tolerable is for those
    # to say who answer for the model.
    policy.conditions = ml_collections.ConfigDict()
    policy.conditions.accuracy = _condition(
        metric="accuracy", against="teacher", at_least=-0.05
    )
{conditions}    return policy


def _condition(**fields: str | float) -> ml_collections.ConfigDict:
    """A condition: metric, attribute, group, against ("teacher" or "nds"), at_least or
    at_most (0.05 is 5 % or 5 points), min_examples, decide_by. See docs/release.md.
    """
    return ml_collections.ConfigDict(fields)
'''


def _identifiers(attributes: Sequence[str]) -> dict[str, str]:
    """Attribute -> what stands for it in a name; no two are the same."""
    found: dict[str, str] = {}
    for attribute in attributes:
        identifier = _identifier(attribute)
        while identifier in found.values():
            identifier += "_"
        found[attribute] = identifier
    return found


def _identifier(text: str) -> str:
    return "".join(c if f"_{c}".isidentifier() else "_" for c in text)
