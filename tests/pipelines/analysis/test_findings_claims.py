"""Which claims a study can test, and with which values."""

import dataclasses

import numpy as np
import pytest
from memory_study import PEOPLE, people, study

from pipelines.analysis import findings_quantities as quantities
from pipelines.analysis.findings_claims import controls, primary
from pipelines.analysis.findings_published import Effects
from pipelines.analysis.findings_trends import rank_test
from pipelines.analysis.published import NOTHING
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

CROSSED = {"attributes": ("side", ["side", "age"])}
CONTRASTS = ["change for a tenfold T", "hottest minus T up to 10", "minus nds"]
CONTRASTS += ["minus the teacher"]
TEACHER_MODEL, NDS_MODEL = Model.named(TEACHER), Model.named(NDS)
TEMPERATURES = (1.0, 4.0, 10.0, 20.0, 30.0, 40.0)
T1, T4, T10, _, _, T40 = (Model.named(DS, t) for t in TEMPERATURES)


@pytest.fixture(scope="module")
def several():
    """Three temperatures up to ten, and three beyond."""
    return people(seeds=(0, 1, 2), temperatures=TEMPERATURES, config=CROSSED)


@pytest.fixture(scope="module")
def found(several):
    return quantities.measure(several, None)


def without(several, *gone):
    answers = {
        r.run: r.logits
        for r in several.results
        if Model.of(r.run) not in gone and r.run not in gone
    }
    fewer = study(PEOPLE, several.truth, answers, config=CROSSED)
    return fewer, quantities.measure(fewer, None)


def claims_of(several, found):
    return {c.text: c for c in primary(several, found, Effects(NOTHING))}


def test_primary_claims_are_those_of_the_paper(several, found):
    claims = claims_of(several, found)
    assert {text: (c.finding, c.sign, c.unit) for text, c in claims.items()} == {
        "class accuracies go towards the teacher's with T": (
            *(1, 1, "% of the way for a tenfold T"),
        ),
        "#SC rises with T": (1, 1, "rank correlation"),
        "#TC falls with T": (1, -1, "rank correlation"),
        **{
            f"{gap} by {by} {text}": (finding, sign, unit)
            for by in ("side", "age")
            for gap in ("DPD", "EOD")
            for text, finding, sign, unit in (
                ("falls with T", 2, -1, "points for a tenfold T"),
                ("rises again from T=10 to T=40", 2, 1, "points"),
                ("of T=10 is below nds's", 2, -1, "points"),
                ("of T=10 is below the teacher's", 3, -1, "points"),
            )
        },
    }
    assert {c.seeds for c in claims.values()} == {3}
    assert not any(c.obstacle for c in claims.values())


def test_controls_are_what_nothing_was_said_of(several, found):
    made = controls(several, found)
    titles = ["accuracy", "ECE", "mean confidence", "the FPR gap by side"]
    titles += ["the FPR gap by age", "DPD by side x age", "EOD by side x age"]
    titles += ["the FPR gap by side x age"]
    assert [c.text for c in made] == [f"{t}: {c}" for t in titles for c in CONTRASTS]
    about = {(c.finding, c.sign, c.unit, c.rank, c.published) for c in made}
    assert about == {(0, 1, "points", None, None)}
    values = {c.text: c.values for c in made}
    accuracy = {
        model: np.array([found.accuracy[model][seed] for seed in (0, 1, 2)])
        for model in found.accuracy
    }
    for what, after, before in (
        ("hottest minus T up to 10", T40, T10),
        ("minus nds", T10, NDS_MODEL),
        ("minus the teacher", T10, TEACHER_MODEL),
    ):
        np.testing.assert_allclose(
            values[f"accuracy: {what}"],
            100 * (accuracy[after] - accuracy[before]),
            atol=1e-9,
        )
    by_t = np.stack([accuracy[m][:, 0] for m in (T1, T4, T10)])
    slopes = np.polyfit(np.log10([1, 4, 10]), 100 * by_t, 1)[0]
    of_t = values["accuracy: change for a tenfold T"][:, 0]
    np.testing.assert_allclose(of_t, slopes, atol=1e-9)


def test_counts_are_of_class_accuracies_over_all(several, found):
    claims = claims_of(several, found)
    labels = several.truth["test"].labels

    def relative(model):
        right = [r.predicted("test") == labels for r in several.models[model].values()]
        return np.array(
            [[hit[labels == k].mean() / hit.mean() for k in (0, 1)] for hit in right]
        )

    students = np.stack([relative(T1), relative(T4), relative(T10)])
    for text, base in (("#SC rises", NDS_MODEL), ("#TC falls", TEACHER_MODEL)):
        expected = rank_test(relative(base), students)
        claim = claims[f"{text} with T"]
        assert (claim.rank.correlation, claim.rank.p) == (
            pytest.approx(expected.correlation),
            expected.p,
        )
        assert claim.values.tolist() == [[expected.correlation]] * 3


def test_without_a_teacher_counts_against_nds_are_left(several):
    texts = claims_of(*without(several, TEACHER_MODEL))
    assert "#SC rises with T" in texts
    assert not [t for t in texts if "#TC" in t or "teacher" in t]
    texts = claims_of(*without(several, NDS_MODEL))
    assert not [t for t in texts if "#" in t or "class" in t or "nds" in t]
    assert "EOD by age of T=10 is below the teacher's" in texts


def test_one_common_seed_has_no_counts(several):
    texts = claims_of(*without(several, Run(NDS, 0), Run(DS, 1, 10.0)))
    assert "#SC rises with T" not in texts
    assert texts["DPD by age of T=10 is below nds's"].seeds == 1
    assert texts["DPD by age falls with T"].seeds == 2
    two = claims_of(*without(several, Run(NDS, 0)))
    assert two["#SC rises with T"].seeds == 2


def test_without_a_seed_there_is_no_claim(several):
    gone = [Run(TEACHER, seed) for seed in (0, 1)] + [Run(DS, 2, 10.0)]
    fewer, found = without(several, *gone)
    for made in (primary(fewer, found, Effects(NOTHING)), controls(fewer, found)):
        assert made
        assert not [c.text for c in made if "the teacher" in c.text]
        assert all(c.seeds for c in made)


def test_individual_fairness_is_in_percent_of_that_of_nds(several, found):
    shares = {T1: {0: 0.8, 1: 0.9}, T10: {0: 0.6, 1: 0.5, 2: 0.1}, T40: {0: 9.0}}
    # On the line from T=1 to T=10.
    shares[T4] = {0: 0.8 - 0.2 * np.log10(4), 1: 0.9 - 0.4 * np.log10(4)}
    values = {
        model: {seed: np.array([share]) for seed, share in seeds.items()}
        for model, seeds in shares.items()
    }
    measured = found._replace(individual=values)
    claim = claims_of(several, measured)["I(f) falls with T"]
    assert (claim.finding, claim.sign) == (4, -1)
    assert claim.unit == "% of nds's for a tenfold T"
    np.testing.assert_allclose(claim.values, [[-20], [-40]])
    # One temperature up to ten has no trend.
    fewer, _ = without(several, T1, T4)
    assert "I(f) falls with T" not in claims_of(fewer, measured)


def test_a_claim_cannot_be_changed(several, found):
    claim = controls(several, found)[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.sign = -1
