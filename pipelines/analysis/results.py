"""What a study's runs predicted, read from its working directory, and counted."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import GroupCounts, PairedCounts
from kd_keras.fairness.cell_counts import Attribute
from pipelines.studies import (
    attributes,
    interval_options,
    layout,
    mended_run,
    predictions,
    run_record,
)
from pipelines.studies import config as configs
from pipelines.studies.layout import DS, NDS, PLAIN, TEACHER, Run
from pipelines.studies.predictions import Truth


@dataclasses.dataclass(frozen=True, order=True)
class Model:
    """All runs of one model; teacher, nds and then ds by temperature when sorted.

    Of equal temperature the methods are in the order of the alphabet.

    Attributes:
      order: 0 teacher, 1 nds, 2 ds.
      temperature: distillation temperature; None unless the model is "ds".
      method: what mends a distilled student while it is trained, "plain" for nothing.
      mended: whether it is the student with what mends it behind it.
    """

    order: int
    temperature: float | None = None
    method: str = PLAIN
    mended: bool = False

    @classmethod
    def of(cls, run: Run) -> "Model":
        trained = cls.named(run.model, run.temperature, run.method)
        return dataclasses.replace(trained, mended=run.mended)

    @classmethod
    def named(
        cls, name: str, temperature: float | None = None, method: str = PLAIN
    ) -> "Model":
        return cls((TEACHER, NDS, DS).index(name), temperature, method)

    @property
    def name(self) -> str:
        return (TEACHER, NDS, DS)[self.order]

    @property
    def title(self) -> str:
        title = self.name if self.temperature is None else f"T={self.temperature:g}"
        method = "" if self.method == PLAIN else f" {self.method}"
        return f"{title}{method} mended" if self.mended else f"{title}{method}"

    def place(self, methods: Sequence[str]) -> tuple[Any, ...]:
        """What tables sort it by: the plain ones before those of `methods`."""
        order = [PLAIN, *(method for method in methods if method != PLAIN)]
        place = order.index(self.method)
        return self.order, place, self.temperature or 0.0, self.mended

    @property
    def slug(self) -> str:
        """For file names, as in the run's directory: teacher, nds, t04."""
        run = Run(self.name, 0, self.temperature, self.method)
        slug = run.name.removeprefix("student-")
        return f"{slug}_mended" if self.mended else slug


# Compared and hashed by identity: arrays have no single answer to ==.
@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """One complete run and its predictions.

    Attributes:
      run: model, temperature and seed.
      info: content of run.json.
      logits: split -> float32 `[examples, classes]`.
    """

    run: Run
    info: Mapping[str, Any]
    logits: Mapping[str, np.ndarray]

    def predicted(self, split: str) -> np.ndarray:
        """Hard predictions, int64 `[examples]`."""
        return self.logits[split].argmax(axis=-1)


@dataclasses.dataclass(frozen=True)
class Study:
    """A study's configuration and the results of its complete runs.

    Attributes:
      document: content of config.json: config, versions, git_revision.
      spec: the data set's names and groups.
      truth: split -> labels and groups.
      models: model -> seed -> result, in the order of the tables.
      planned: how many runs the configuration asks for.
      damaged: corruption -> the study as it is on damaged data, at each severity; empty
        unless `pipelines.analysis.damaged` has read them.
    """

    document: Mapping[str, Any]
    spec: DatasetSpec
    truth: Mapping[str, Truth]
    models: Mapping[Model, Mapping[int, Result]]
    planned: int
    damaged: Mapping[str, Sequence["Study"]] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )
    _counts: dict[tuple[Result, str], GroupCounts] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _pairs: dict[tuple[Result, Result, str], PairedCounts] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def config(self) -> Mapping[str, Any]:
        return self.document["config"]

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The sensitive attributes, and then the crossings that the config names."""
        return (*self.spec.groups, *attributes.crossings(self.config))

    @property
    def min_examples(self) -> int:
        """Examples that every denominator of a gap needs."""
        return interval_options.min_examples(self.config)

    @property
    def split(self) -> str:
        """The split that the report is about."""
        return self.config["evaluation"]["split"]

    @property
    def teacher(self) -> Model | None:
        return next((m for m in self.models if m.name == TEACHER), None)

    @property
    def nds(self) -> Model | None:
        return next((m for m in self.models if m.name == NDS), None)

    @property
    def distilled(self) -> list[Model]:
        """The distilled students, method by method, by rising temperature."""
        return [model for model in self.models if model.name == DS]

    @property
    def methods(self) -> list[str]:
        """Those of the distilled students; "plain" first, if it is there."""
        return list(dict.fromkeys(model.method for model in self.distilled))

    @property
    def curve(self) -> list[Model]:
        """The distilled students of the first method, by rising temperature."""
        return [m for m in self.distilled if m.method == self.methods[0]]

    @property
    def temperatures(self) -> list[float]:
        """Those of the curve, rising."""
        return [m.temperature for m in self.curve if m.temperature is not None]

    @property
    def students(self) -> list[Model]:
        """The nds and the distilled students."""
        return [model for model in self.models if model.name != TEACHER]

    @property
    def results(self) -> list[Result]:
        return [result for seeds in self.models.values() for result in seeds.values()]

    def pairs(self, a: Model, b: Model) -> list[tuple[Result, Result]]:
        """The runs of two models that share a seed."""
        left, right = self.models[a], self.models[b]
        return [(left[seed], right[seed]) for seed in left if seed in right]

    def counts(self, result: Result, split: str) -> GroupCounts:
        """The counts of a result's hard predictions; counted at the first call."""
        key = (result, split)
        if key not in self._counts:
            predicted = result.predicted(split)
            self._counts[key] = self.truth[split].counts(self.spec, predicted)
        return self._counts[key]

    def pair(self, a: Result, b: Result, split: str) -> PairedCounts:
        """The counts of two results' hard predictions; counted at the first call."""
        key = (a, b, split)
        if key not in self._pairs:
            self._pairs[key] = self.truth[split].paired_counts(
                self.spec, a.predicted(split), b.predicted(split)
            )
        return self._pairs[key]


def read_study(workdir: str, spec: DatasetSpec | None = None) -> Study:
    """Reads every complete run of a study.

    Args:
      workdir: the study's working directory.
      spec: names and groups of the data set; None loads it as config.json says.

    Raises:
      ValueError: there is no complete run, a file is not what its run wrote, the runs
        are of different examples, or a run's logits are NaN.
    """
    config = configs.read_config(workdir)
    if spec is None:
        spec = configs.load_dataset(config).spec
    document = configs.read_document(workdir)
    runs = layout.runs_of(config)
    complete = list(layout.complete_runs(workdir, runs))
    if not complete:
        raise ValueError(
            f"No complete run in {workdir!r}. Run `python -m pipelines.study "
            f"--config=CONFIG --workdir={workdir}` first."
        )
    truth: dict[str, Truth] = {}
    models: dict[Model, dict[int, Result]] = {}
    for run in complete:
        info = run_record.read(workdir, run, config)
        result = _read_result(workdir, run, info, spec, truth)
        models.setdefault(Model.of(run), {})[run.seed] = result
    _require_teachers(workdir, models)
    methods = layout.methods_of(config)
    in_order = dict(sorted(models.items(), key=lambda item: item[0].place(methods)))
    return Study(document, spec, truth, in_order, planned=len(runs))


def with_mended(workdir: str, study: Study, directory: str) -> Study:
    """The study, and beside its runs the mended one that a directory names, if any.

    Args:
      workdir: the study's working directory.
      study: from `read_study`.
      directory: of a run, such as "student-t04/seed0/mended".

    Raises:
      ValueError: if that run is not there, or not what was written.
    """
    run = layout.parse_directory(directory.rstrip("/"))
    if run is None or not run.mended:
        return study
    config = configs.read_config(workdir)
    info = mended_run.read(workdir, run, config)
    result = _read_result(workdir, run, info, study.spec, dict(study.truth))
    return with_result(study, result)


def with_result(study: Study, result: Result) -> Study:
    """The study with a result more, or with another one in its place."""
    model = Model.of(result.run)
    seeds = {**study.models.get(model, {}), result.run.seed: result}
    return dataclasses.replace(study, models={**study.models, model: seeds})


def _read_result(
    workdir: str,
    run: Run,
    info: Mapping[str, Any],
    spec: DatasetSpec,
    truth: dict[str, Truth],
) -> Result:
    """Reads one run; the first one's labels and groups are put into `truth`."""
    directory = layout.run_dir(workdir, run)
    logits = {}
    for split in predictions.SPLITS:
        path = predictions.path(directory, split)
        sha256 = info["files"].get(f"predictions/{split}.npz")
        if sha256 is None:
            continue
        found = predictions.read(directory, split, spec, sha256)
        logits[split] = found.logits
        if np.isnan(found.logits).any():
            raise ValueError(
                f"{path} holds logits that are NaN: the training diverged. Delete "
                f"{directory} and train it with a lower learning rate."
            )
        first = truth.setdefault(split, found.truth)
        differs = _difference(first, found.truth)
        if differs:
            raise ValueError(
                f"{path} is not about the same {differs} as the other runs. Delete "
                f"{directory} and run the study again."
            )
    return Result(run, info, logits)


def _require_teachers(
    workdir: str, models: Mapping[Model, Mapping[int, Result]]
) -> None:
    """Refuses a student whose teacher was trained again since, to other weights."""
    teachers = models.get(Model.named(TEACHER), {})
    for result in (result for seeds in models.values() for result in seeds.values()):
        taught_by, teacher = result.info.get("teacher"), teachers.get(result.run.seed)
        if taught_by and teacher and taught_by != teacher.info["weights"]:
            raise ValueError(
                f"{result.run.directory} was distilled from other weights than those "
                f"of {teacher.run.directory}. {run_record.advice(workdir, result.run)}"
            )


def _difference(first: Truth, other: Truth) -> str:
    """What two runs do not agree about; empty where they are of the same data."""
    if not np.array_equal(first.ids, other.ids):
        return "examples"
    if not np.array_equal(first.labels, other.labels):
        return "labels"
    for attribute, codes in first.groups.items():
        if not np.array_equal(codes, other.groups[attribute]):
            return f"groups of {attribute}"
    return ""
