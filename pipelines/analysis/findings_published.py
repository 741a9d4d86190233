"""How large the published effects are that a study's claims are held against."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from pipelines.analysis.findings_quantities import GapName
from pipelines.analysis.findings_trends import HOT, slope
from pipelines.analysis.measures import GAP_OF, Measure
from pipelines.analysis.published import Published
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER

_METRIC_OF = {gap: metric for metric, gap in GAP_OF.items()}


class Effect(NamedTuple):
    """A published effect of the claimed sign.

    Attributes:
      value: in points, or % of nds's I(f).
      own: whether it is of this study's data set and models; if not it is the smallest
        one of the other data sets, which is the hardest to be below a quarter of.
    """

    value: float
    own: bool


class Effects:
    """The effects in published means; without `--published` there are none."""

    def __init__(self, published: Published) -> None:
        self._published = published

    def gap(
        self, name: GapName, what: str, sign: int, warm: Model, hot: Model | None
    ) -> Effect | None:
        """The effect of a contrast on a gap, in points.

        Args:
          name: the gap.
          what: "with T", "too hot", "nds" or "teacher".
          sign: as claimed; a published effect of the other sign is not claimed.
          warm, hot: the students that are compared.
        """
        metric = _METRIC_OF[name.gap]
        numbers = self._published.measures.get(Measure(metric, name.attribute), {})
        own = {model: number.mean for model, number in numbers.items()}
        others = self._published.everywhere.get(metric, ())
        return _choose(
            100 * _contrast(own, what, warm, hot),
            [100 * _contrast(means, what, warm, hot) for means in others],
            sign,
        )

    def individual(self) -> Effect | None:
        """The change of I(f) for a tenfold T, in % of the nds's."""
        own = {m: number.mean for m, number in self._published.individual.items()}
        others = self._published.everywhere.get("individual_fairness", ())
        return _choose(_relative(own), [_relative(means) for means in others], -1)


def _choose(own: float, others: Iterable[float], sign: int) -> Effect | None:
    if not np.isnan(own):
        return Effect(own, True) if own * sign > 0 else None
    claimed = [value for value in others if value * sign > 0]
    return Effect(min(claimed, key=abs), False) if claimed else None


def _contrast(
    means: Mapping[Model, float], what: str, warm: Model, hot: Model | None
) -> float:
    """NaN where what is compared was not published."""
    if what == "with T":
        return _trend(means)
    base = {"too hot": warm, "nds": Model.named(NDS), "teacher": Model.named(TEACHER)}
    after = hot if what == "too hot" else warm
    if after is None or after not in means or base[what] not in means:
        return float("nan")
    return means[after] - means[base[what]]


def _trend(means: Mapping[Model, float]) -> float:
    """The slope over all published temperatures up to 10."""
    warm = {
        model.temperature: mean
        for model, mean in means.items()
        if model.name == DS and model.temperature and model.temperature <= HOT
    }
    if len(warm) < 2:
        return float("nan")
    return float(slope(np.array([*warm.values()]), np.array([*warm])))


def _relative(means: Mapping[Model, float]) -> float:
    return 100 * _trend(means) / means.get(Model.named(NDS), float("nan"))
