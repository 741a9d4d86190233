"""The claims of the published study about this one, with a value for each seed."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.analysis import findings_quantities as quantities
from pipelines.analysis.findings_published import Effect, Effects
from pipelines.analysis.findings_quantities import GapName, Quantities, Values
from pipelines.analysis.findings_trends import (
    HOT,
    RankTest,
    alignment,
    rank_test,
    slope,
)
from pipelines.analysis.measures import DPD, EOD
from pipelines.analysis.results import Model, Study
from pipelines.studies import individual_options

CIRCULAR = (
    "measured by this study's own teacher, which favors students that imitate it: set "
    "--config.evaluation.individual_fairness.extractor to input, or to a .keras file"
)

# Contrast -> what it is called of a control.
_OF_CONTROLS = {
    "with T": "change for a tenfold T",
    "too hot": "hottest minus T up to 10",
    "nds": "minus nds",
    "teacher": "minus the teacher",
}


@dataclasses.dataclass(frozen=True)
class Claim:
    """What is said of one quantity.

    Attributes:
      finding: its number in the published study; 0 for a control, of which nothing
        was said.
      text: what should be so, or what a control measures.
      sign: 1 if the effect should be above 0, -1 if below.
      unit: of the values, for people, such as "points".
      values: the effect `[seeds, 1 + replicates]`; column 0 is observed.
      published: the published effect, in the same unit.
      rank: the test of a claim that is about ranks; None for Student's.
      obstacle: why no verdict is given; empty where one is.
    """

    finding: int
    text: str
    sign: int
    unit: str
    values: np.ndarray
    published: Effect | None = None
    rank: RankTest | None = None
    obstacle: str = ""

    @property
    def seeds(self) -> int:
        return len(self.values)


@dataclasses.dataclass(frozen=True)
class _Ends:
    """The models that are compared.

    Attributes:
      warm: distilled students up to T = 10, by rising T.
      hot: the hottest one beyond; None without one.
    """

    warm: Sequence[Model]
    hot: Model | None

    @classmethod
    def of(cls, study: Study) -> "_Ends":
        pairs = list(zip(study.curve, study.temperatures, strict=True))
        hot = [model for model, t in pairs if t > HOT]
        return cls([m for m, t in pairs if t <= HOT], hot[-1] if hot else None)

    @property
    def temperatures(self) -> np.ndarray:
        return np.array([model.temperature for model in self.warm], float)


def primary(study: Study, found: Quantities, effects: Effects) -> list[Claim]:
    """The claims that were fixed beforehand, docs/evidence.md; those with a seed."""
    ends = _Ends.of(study)
    claims: list[Claim] = [*_classes(study, found, ends)]
    for name, values in found.gaps.items():
        if name.gap in (DPD, EOD) and not isinstance(name.attribute, tuple):
            claims += _of_gap(study, ends, name, values, effects)
    if len(ends.warm) > 1:
        share = _slope(found.individual, ends)
        own = individual_options.options(study.config)["extractor"]
        claims.append(
            Claim(
                finding=4,
                text="I(f) falls with T",
                sign=-1,
                unit="% of nds's for a tenfold T",
                values=100 * share,
                published=effects.individual(),
                obstacle=CIRCULAR if own == individual_options.TEACHER else "",
            )
        )
    return [claim for claim in claims if claim.seeds]


def controls(study: Study, found: Quantities) -> list[Claim]:
    """What stands beside the claims: nothing was said of how it should be."""
    ends = _Ends.of(study)
    rows: list[tuple[str, Values]] = [
        ("accuracy", found.accuracy),
        ("ECE", found.ece),
        ("mean confidence", found.confidence),
    ]
    claims = [
        Claim(0, f"{title}: {_OF_CONTROLS[what]}", 1, "points", 100 * values)
        for title, of in rows
        for what, values in _contrasts(study, ends, of)
    ]
    claims += [
        Claim(0, f"{name.title}: {_OF_CONTROLS[what]}", 1, "points", 100 * values)
        for name, of in found.gaps.items()
        if name.gap not in (DPD, EOD) or isinstance(name.attribute, tuple)
        for what, values in _contrasts(study, ends, of)
    ]
    return [claim for claim in claims if claim.seeds]


def _of_gap(
    study: Study, ends: _Ends, name: GapName, values: Values, effects: Effects
) -> Iterator[Claim]:
    """Findings 2 and 3 of one gap, in points."""
    for what, effect in _contrasts(study, ends, values):
        finding, sign, text = {
            "with T": (2, -1, f"{name.title} falls with T"),
            "too hot": (2, 1, f"{name.title} rises again {_from_to(ends)}"),
            "nds": (2, -1, f"{name.title} of {_title(ends)} is below nds's"),
            "teacher": (
                3,
                -1,
                f"{name.title} of {_title(ends)} is below the teacher's",
            ),
        }[what]
        about = effects.gap(name, what, sign, ends.warm[-1], ends.hot)
        unit = "points for a tenfold T" if what == "with T" else "points"
        yield Claim(finding, text, sign, unit, 100 * effect, about)


def _contrasts(
    study: Study, ends: _Ends, values: Values
) -> Iterator[tuple[str, np.ndarray]]:
    """What is compared -> the effect `[seeds, 1 + replicates]`."""
    if not ends.warm:
        return
    if len(ends.warm) > 1:
        yield "with T", _slope(values, ends)
    for what, after, before in (
        ("too hot", ends.hot, ends.warm[-1]),
        ("nds", ends.warm[-1], study.nds),
        ("teacher", ends.warm[-1], study.teacher),
    ):
        if after is not None and before is not None:
            above, below = quantities.of_seeds(values, (after, before))
            yield what, above - below


def _slope(values: Values, ends: _Ends) -> np.ndarray:
    """The change for a tenfold T, `[seeds, 1 + replicates]`."""
    of_models = quantities.of_seeds(values, ends.warm)
    return slope(np.moveaxis(of_models, 0, -1), ends.temperatures)


def _classes(study: Study, found: Quantities, ends: _Ends) -> Iterator[Claim]:
    """Finding 1: alignment with the teacher, and the counts #SC and #TC."""
    if len(ends.warm) < 2 or study.nds is None:
        return
    models = [study.nds, *([study.teacher] if study.teacher else []), *ends.warm]
    classes = quantities.of_seeds(found.classes, models)
    if classes.shape[1] < 2:
        return
    overall = quantities.of_seeds(found.accuracy, models)[..., :1]
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = classes[:, :, 0] / overall
    students = relative[-len(ends.warm) :]
    if study.teacher:
        # Model, seed, draw, class -> draw first, and the seeds before the classes.
        nds, teacher, *others = np.moveaxis(classes, 2, 1)
        along = np.array([alignment(one, nds, teacher) for one in others])
        trend = slope(np.moveaxis(along, 0, -1), ends.temperatures).T
        text = "class accuracies go towards the teacher's with T"
        yield Claim(1, text, 1, "% of the way for a tenfold T", 100 * trend)
    for name, base, verb, sign in (
        ("#SC", study.nds, "rises", 1),
        ("#TC", study.teacher, "falls", -1),
    ):
        if base is not None:
            test = rank_test(relative[models.index(base)], students)
            values = np.full((classes.shape[1], 1), test.correlation)
            text = f"{name} {verb} with T"
            yield Claim(1, text, sign, "rank correlation", values, rank=test)


def _title(ends: _Ends) -> str:
    return ends.warm[-1].title


def _from_to(ends: _Ends) -> str:
    return f"from {_title(ends)} to {ends.hot.title if ends.hot else ''}"
