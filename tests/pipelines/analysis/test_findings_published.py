"""Published effects, from means that are made up."""

import numpy as np
import pytest

from pipelines.analysis.findings_published import Effects
from pipelines.analysis.findings_quantities import GapName
from pipelines.analysis.measures import DPD, EOD, Measure
from pipelines.analysis.published import Number, Published
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER

TEACHER_MODEL, NDS_MODEL = Model.named(TEACHER), Model.named(NDS)
T1, T4, T10, T11, T40 = (Model.named(DS, t) for t in (1.0, 4.0, 10.0, 11.0, 40.0))
SIDE, AGE = GapName(DPD, "side"), GapName(DPD, "age")
OWN = {TEACHER_MODEL: 0.1, NDS_MODEL: 0.5, T1: 0.4, T10: 0.3, T11: 0.9, T40: 0.35}


def numbers(means):
    return {model: Number(mean, 0.0, "") for model, mean in means.items()}


def effects(own=OWN, others=()):
    measures = {Measure("dpd", "side"): numbers(own)}
    return Effects(Published(measures, {}, {}, {"dpd": others}))


@pytest.mark.parametrize(
    ("what", "sign", "points"),
    [
        # From T=1 to T=10, a tenfold T; what is hotter is left out.
        ("with T", -1, -10),
        ("too hot", 1, 5),
        ("nds", -1, -20),
        ("teacher", 1, 20),
        # Of the other sign: nothing was claimed.
        *(("with T", 1, None), ("too hot", -1, None), ("teacher", -1, None)),
    ],
)
def test_own_effects_are_in_points(what, sign, points):
    others = [{model: mean * 2 for model, mean in OWN.items()}]
    found = effects(others=others).gap(SIDE, what, sign, T10, T40)
    assert found == (points if points is None else (pytest.approx(points), True))


def test_rows_of_another_gap_or_attribute_are_of_the_others():
    others = [{NDS_MODEL: 0.5, T10: 0.1}, {NDS_MODEL: 0.5, T10: 0.45}]
    found = effects(others=others)
    # 40 and 5 points below: the smaller one is asked.
    assert found.gap(AGE, "nds", -1, T10, T40) == (pytest.approx(-5), False)
    assert found.gap(GapName(EOD, "side"), "nds", -1, T10, T40) is None


def test_no_effect_is_not_of_the_claimed_sign():
    same = {NDS_MODEL: 0.5, T10: 0.5}
    assert effects(same).gap(SIDE, "nds", -1, T10, None) is None
    assert effects({}, [same]).gap(SIDE, "nds", -1, T10, None) is None


@pytest.mark.parametrize(
    ("gone", "what", "hot"),
    [
        *((NDS_MODEL, "nds", T40), (TEACHER_MODEL, "teacher", T40)),
        *((T10, "nds", T40), (T10, "too hot", T40), (T40, "too hot", T40)),
        *((None, "too hot", None), (T1, "with T", T40)),
    ],
)
def test_what_was_not_published_has_no_effect(gone, what, hot):
    means = {model: mean for model, mean in OWN.items() if model != gone}
    for sign in (1, -1):
        assert effects(means).gap(SIDE, what, sign, T10, hot) is None


def test_a_trend_is_the_slope_over_all_temperatures_up_to_ten():
    means = OWN | {T4: 0.2}
    found = effects(means).gap(SIDE, "with T", -1, T10, T40)
    slope = np.polyfit(np.log10([1, 10, 4]), [40, 30, 20], 1)[0]
    assert found == (pytest.approx(slope), True)
    warm = {T1: 0.4, T4: 0.3}
    found = effects(warm).gap(SIDE, "with T", -1, T4, None)
    assert found == (pytest.approx(-10 / np.log10(4)), True)


def test_individual_fairness_of_other_data_is_the_smallest_fall():
    elsewhere = [
        {NDS_MODEL: 0.5, T1: 0.4, T10: 0.3},
        {NDS_MODEL: 0.5, T1: 0.4, T10: 0.35},
        {NDS_MODEL: 0.5, T1: 0.4, T10: 0.45},
        {T1: 0.4, T10: 0.399},
    ]
    found = Published({}, {}, {}, {"individual_fairness": elsewhere})
    # -20 %, -10 %, +10 %; of the last one no nds was published.
    assert Effects(found).individual() == (pytest.approx(-10), False)
    rising = Published({}, {}, numbers({NDS_MODEL: 0.5, T1: 0.3, T10: 0.4}))
    assert Effects(rising).individual() is None
