"""The four findings of the published study, tested on this one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import scipy.sparse
import scipy.stats

from pipelines.analysis import seed_means
from pipelines.analysis.data_table import DECIMAL, Column, DataTable
from pipelines.analysis.individual_fairness import Measured, seed_interval
from pipelines.analysis.measures import GAP_OF, Measure, measures_of
from pipelines.analysis.results import Model, Study
from pipelines.studies.interval_options import LEVEL

HOT = 10.0  # Beyond it the paper calls a temperature too hot.
_REPLICATES = 500
ALPHA = 0.05  # Of each class's test, uncorrected, as in the paper.


class Claim(NamedTuple):
    """What a finding says of one quantity.

    Attributes:
      finding: its number in the published study.
      claim: what should be so.
      sign: 1 if the quantity should be above 0, -1 if below.
      interval: observed value and the ends of its 95 % interval.
    """

    finding: int
    claim: str
    sign: int
    interval: tuple[float, float, float]

    @property
    def verdict(self) -> str:
        _, lower, upper = self.interval
        low, high = sorted((self.sign * lower, self.sign * upper))
        if low > 0:
            return "confirmed"
        return "refuted" if high < 0 else "not decided"


def findings_table(study: Study, individual: Measured | None) -> DataTable:
    """One row per claim; claims that this study cannot test have none.

    Compared are the lowest temperature, the highest one up to 10, and the highest one
    beyond 10. Intervals of 1 to 3 are over test examples, those of 4 over the seeds.
    """
    rows = [
        {
            "finding": claim.finding,
            "claim": claim.claim,
            **dict(zip(("value", "lower", "upper"), claim.interval, strict=True)),
            "verdict": claim.verdict,
        }
        for claim in _claims(study, individual)
    ]
    columns = (
        Column("finding", "finding"),
        Column("claim", "claim"),
        Column("value", "observed", DECIMAL),
        Column("lower", "from", DECIMAL),
        Column("upper", "to", DECIMAL),
        Column("verdict", "here"),
    )
    caption = (
        "The findings of the published study, tested here: a claim is confirmed or "
        "refuted where the 95 % interval has one sign. #SC and #TC in classes, gaps in "
        "points."
    )
    return DataTable("findings", caption, columns, rows)


def _claims(study: Study, individual: Measured | None) -> Iterator[Claim]:
    by_temperature = list(zip(study.curve, study.temperatures, strict=True))
    warm = [model for model, temperature in by_temperature if temperature <= HOT]
    hot = [model for model, temperature in by_temperature if temperature > HOT]
    if len(warm) > 1:
        yield from _class_bias(study, warm[0], warm[-1])
        yield from _changes(study, 2, "falls", -1, warm[0], warm[-1])
    if warm and hot:
        yield from _changes(study, 2, "rises", 1, warm[-1], hot[-1])
    if warm and study.teacher:
        yield from _below_teacher(study, warm[-1], study.teacher)
    if len(warm) > 1 and individual:
        yield from _individual(individual, warm[0], warm[-1])


def _changes(
    study: Study,
    finding: int,
    verb: str,
    sign: int,
    before: Model,
    after: Model,
) -> Iterator[Claim]:
    for measure in _gaps(study) if study.pairs(after, before) else ():
        claim = f"{measure.title} {verb} from {before.title} to {after.title}"
        yield Claim(finding, claim, sign, _points(study, measure, after, before))


def _below_teacher(study: Study, model: Model, teacher: Model) -> Iterator[Claim]:
    for measure in _gaps(study) if study.pairs(model, teacher) else ():
        claim = f"{measure.title} of {model.title} is below the teacher's"
        yield Claim(3, claim, -1, _points(study, measure, model, teacher))


def _individual(measured: Measured, before: Model, after: Model) -> Iterator[Claim]:
    common = [seed for seed in measured[after] if seed in measured[before]]
    changes = [measured[after][s].mean - measured[before][s].mean for s in common]
    if changes:
        claim = f"I(f) falls from {before.title} to {after.title}"
        yield Claim(4, claim, -1, seed_interval(changes))


def _gaps(study: Study) -> list[Measure]:
    return [measure for measure in measures_of(study) if measure.attribute]


def _points(
    study: Study, measure: Measure, model: Model, base: Model
) -> tuple[float, float, float]:
    """The change from `base` to `model`, in percentage points."""
    about = (study, GAP_OF[measure.metric], measure.attribute, model, base)
    found = seed_means.mean_of(seed_means.changes(*about, LEVEL))
    return 100 * found.value, 100 * found.low, 100 * found.high


def _class_bias(study: Study, before: Model, after: Model) -> Iterator[Claim]:
    for name, base, verb, sign in (
        ("#SC", study.nds, "rises", 1),
        ("#TC", study.teacher, "falls", -1),
    ):
        if base is None or min(len(study.models[m]) for m in (base, before, after)) < 2:
            continue
        relative = _relative_accuracies(study, (base, before, after))
        counts = [
            _differing(relative[base], relative[model]) for model in (before, after)
        ]
        change = counts[1] - counts[0]
        low, high = np.quantile(change[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        claim = f"{name} {verb} from {before.title} to {after.title}"
        yield Claim(1, claim, sign, (float(change[0]), float(low), float(high)))


def _relative_accuracies(
    study: Study, models: Iterable[Model]
) -> Mapping[Model, np.ndarray]:
    """Class over overall accuracy `[1 + replicates, seeds, classes]`; 0 is observed.

    The same test examples are drawn for every run.
    """
    labels = study.truth[study.split].labels
    size, classes = len(labels), study.spec.num_classes
    position = np.arange(size)
    by_class = scipy.sparse.csr_matrix(
        (np.ones(size), (position, labels)), (size, classes)
    )
    rng = np.random.default_rng(0)
    right = {
        model: [
            by_class.multiply(
                (r.predicted(study.split) == labels)[:, np.newaxis]
            ).tocsr()
            for r in study.models[model].values()
        ]
        for model in models
    }
    found: dict[Model, list[np.ndarray]] = {model: [] for model in models}
    for i in range(1 + _REPLICATES):
        draw = (
            np.ones(size) if i == 0 else rng.multinomial(size, np.full(size, 1 / size))
        )
        total = by_class.T @ draw
        for model in models:
            hits = np.stack([one.T @ draw for one in right[model]])
            with np.errstate(invalid="ignore", divide="ignore"):
                found[model].append(hits / total * size / hits.sum(-1, keepdims=True))
    return {model: np.stack(values) for model, values in found.items()}


def _differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Classes that differ by Welch's test, `[1 + replicates]`."""
    stats = [(x.mean(1), x.std(1, ddof=1), x.shape[1]) for x in (a, b)]
    with np.errstate(invalid="ignore", divide="ignore"):
        test = scipy.stats.ttest_ind_from_stats(*stats[0], *stats[1], equal_var=False)
        return (test.pvalue < ALPHA).sum(axis=-1)
