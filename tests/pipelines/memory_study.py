"""Studies in memory: unequal groups, answers that differ by model and by seed."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.results import Model, Result, Study
from pipelines.studies.layout import DS, NDS, TEACHER, Run
from pipelines.studies.predictions import Truth

# Two attributes: two groups, and three whose names are not in the order of the
# alphabet.
PEOPLE = DatasetSpec(
    name="people",
    features={"x": tf.TensorSpec((1,), tf.float32)},
    label="y",
    class_names=("no", "yes"),
    groups={"side": ("b", "a"), "age": ("young", "adult", "old")},
)
TEMPERATURES = (1.0, 4.0, 10.0)


def truth(labels, groups: Mapping[str, Sequence[int]]) -> Truth:
    """Labels and groups of as many examples, named e0, e1, ..."""
    labels = np.asarray(labels)
    ids = np.array([f"e{i}" for i in range(len(labels))])
    return Truth(ids, labels, {name: np.asarray(g) for name, g in groups.items()})


def study(
    spec: DatasetSpec,
    truths: Mapping[str, Truth],
    answers: Mapping[Run, Mapping[str, np.ndarray]],
    info: Mapping[Run, Mapping] | None = None,
    config: Mapping | None = None,
    planned: int | None = None,
) -> Study:
    """A study of these runs.

    Args:
      spec: names of classes and groups.
      truths: split -> labels and groups.
      answers: run -> split -> predicted classes `[examples]` or logits
        `[examples, classes]`.
      info: run -> what run.json holds.
      config: fields of the configuration besides the evaluated split, "test".
      planned: number of runs; None for those that are there.
    """
    models: dict[Model, dict[int, Result]] = {}
    for run, by_split in answers.items():
        logits = {split: _logits(spec, found) for split, found in by_split.items()}
        result = Result(run, (info or {}).get(run, {}), logits)
        models.setdefault(Model.of(run), {})[run.seed] = result
    # Groups here are small, and no one shall be left out unless a test asks for it.
    evaluation = {"split": "test", "min_examples": 1}
    document = {"config": {"evaluation": evaluation, **(config or {})}}
    methods = list(dict.fromkeys(run.method for run in answers))
    in_order = dict(sorted(models.items(), key=lambda item: item[0].place(methods)))
    return Study(
        document, spec, truths, in_order, len(answers) if planned is None else planned
    )


def _logits(spec: DatasetSpec, answers) -> np.ndarray:
    answers = np.asarray(answers)
    if answers.ndim == 2:
        return answers.astype(np.float32)
    return np.eye(spec.num_classes, dtype=np.float32)[answers]


def people(
    seeds: Sequence[int] = (0, 1, 2),
    temperatures: Sequence[float] = TEMPERATURES,
    examples: int = 90,
    spec: DatasetSpec = PEOPLE,
    **options,
) -> Study:
    """Random labels, groups (one in ten is missing) and logits of every run."""
    rng = np.random.default_rng(7)
    truths = {
        split: truth(
            rng.integers(spec.num_classes, size=size),
            {
                name: rng.choice(
                    [*range(len(groups)), -1], size, p=_shares(len(groups))
                )
                for name, groups in spec.groups.items()
            },
        )
        for split, size in (("validation", examples - 13), ("test", examples))
    }
    runs = [Run(TEACHER, seed) for seed in seeds] + [Run(NDS, seed) for seed in seeds]
    runs += [Run(DS, seed, t) for t in temperatures for seed in seeds]
    answers = {
        run: {
            split: _guess(rng, found.labels, spec.num_classes, 2.5 - i / 10)
            for split, found in truths.items()
        }
        for i, run in enumerate(runs)
    }
    return study(spec, truths, answers, **options)


def _shares(groups: int) -> list[float]:
    """The first group is the largest; one in ten is in no group."""
    parts = np.arange(groups, 0, -1)
    return [*(0.9 * parts / parts.sum()), 0.1]


def _guess(rng, labels, classes: int, margin: float) -> np.ndarray:
    logits = rng.normal(size=(len(labels), classes))
    logits[np.arange(len(labels)), labels] += margin
    return logits
