"""The published findings are confirmed and refuted where they were built to be."""

import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, study, truth
from report_workdir import PAIRS, SHAPES, write_predictions, write_workdir

from kd_keras import files
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import IndividualFairness, class_bias
from pipelines.analysis import findings
from pipelines.analysis.findings import Claim, findings_table
from pipelines.analysis.results import Model, read_study
from pipelines.studies.layout import DS, NDS, TEACHER, Run

CELL = 2000  # Examples of each label and side.
SEEDS = (0, 1)


def _predictions(gap):
    """True positive rates .9 and .9 - gap, false positive rates .1 and .1."""
    label = np.repeat([0, 0, 1, 1], CELL)
    side = np.tile(np.repeat([0, 1], CELL), 2)
    rates = [0.1, 0.1, 0.9, 0.9 - gap]
    predicted = np.concatenate([np.arange(CELL) < round(r * CELL) for r in rates])
    return {
        "id": np.array([f"e{i}" for i in range(4 * CELL)]),
        "label": label,
        "group_side": side,
        "logits": np.eye(2, dtype=np.float32)[predicted.astype(int)],
    }


def _findings(workdir, gaps):
    write_workdir(workdir, PAIRS, temperatures=(1, 10, 40), seeds=SEEDS)
    for (model, temperature), gap in gaps.items():
        for seed in SEEDS:
            run = Run(model, seed, temperature)
            write_predictions(str(workdir), run, "test", _predictions(gap))
    study = read_study(str(workdir), PAIRS)
    rows = findings_table(study, individual=None).rows
    return {row["claim"]: row for row in rows if row["finding"] > 1}


def test_claims_by_hand(tmp_path):
    gaps = {(TEACHER, None): 0.1, (NDS, None): 0.4}
    gaps |= {(DS, 1.0): 0.4, (DS, 10.0): 0.0, (DS, 40.0): 0.2}
    found = _findings(tmp_path, gaps)
    # Half of the examples are positive: the DPD is half the EOD.
    assert {claim: row["value"] for claim, row in found.items()} == {
        "DPD by side falls from T=1 to T=10": pytest.approx(-20),
        "EOD by side falls from T=1 to T=10": pytest.approx(-40),
        "DPD by side rises from T=10 to T=40": pytest.approx(10),
        "EOD by side rises from T=10 to T=40": pytest.approx(20),
        "DPD by side of T=10 is below the teacher's": pytest.approx(-5),
        "EOD by side of T=10 is below the teacher's": pytest.approx(-10),
    }
    assert {row["verdict"] for row in found.values()} == {"confirmed"}


def test_the_opposite_is_refuted_and_no_difference_not_decided(tmp_path):
    gaps = {(TEACHER, None): 0.1, (NDS, None): 0.4}
    gaps |= {(DS, 1.0): 0.1, (DS, 10.0): 0.4, (DS, 40.0): 0.4}
    found = _findings(tmp_path, gaps)
    assert [row["verdict"] for row in found.values()] == [
        *("refuted", "refuted", "not decided", "not decided", "refuted", "refuted")
    ]


def test_class_counts_are_those_of_welchs_test_on_each_class(tmp_path):
    workdir = write_workdir(tmp_path, SHAPES, seeds=(0, 1, 2))
    study = read_study(workdir, SHAPES)
    low, high = study.distilled[0], study.distilled[-1]
    labels = study.truth["test"].labels

    def accuracies(model):
        right = [r.predicted("test") == labels for r in study.models[model].values()]
        by_class = [[hit[labels == k].mean() for k in range(10)] for hit in right]
        return by_class, [hit.mean() for hit in right]

    rows = findings_table(study, individual=None).rows
    claims = [row for row in rows if row["finding"] == 1]
    assert [row["claim"] for row in claims] == [
        "#SC rises from T=1 to T=10",
        "#TC falls from T=1 to T=10",
    ]
    for row, base in zip(claims, (study.nds, study.teacher), strict=True):
        counts = []
        for model in (low, high):
            (a, overall_a), (b, overall_b) = accuracies(base), accuracies(model)
            bias = class_bias(a, b, overall_a=overall_a, overall_b=overall_b)
            counts.append(len(bias.significant))
        assert row["value"] == counts[1] - counts[0]
        assert row["lower"] < row["upper"]


def test_runs_without_a_common_seed_are_not_compared(tmp_path):
    workdir = write_workdir(tmp_path, PAIRS, temperatures=(1, 10, 40), seeds=SEEDS)
    for run in (Run(DS, 1, 1.0), Run(DS, 0, 10.0)):
        files.gfile.remove(f"{workdir}/{run.directory}/run.json")
    study = read_study(workdir, PAIRS)
    rows = findings_table(study, individual=None).rows
    assert {row["claim"] for row in rows} == {
        *(f"{gap} by side rises from T=10 to T=40" for gap in ("DPD", "EOD")),
        *(f"{gap} by side of T=10 is below the teacher's" for gap in ("DPD", "EOD")),
    }


@pytest.mark.parametrize(
    ("sign", "interval", "verdict"),
    [
        (1, (2.0, 1.0, 3.0), "confirmed"),
        (-1, (2.0, 1.0, 3.0), "refuted"),
        (1, (-2.0, -3.0, -1.0), "refuted"),
        (-1, (-2.0, -3.0, -1.0), "confirmed"),
        (1, (1.0, -1.0, 3.0), "not decided"),
        (-1, (1.0, -1.0, 3.0), "not decided"),
        (1, (1.0, 0.0, 2.0), "not decided"),
        (-1, (1.0, 0.0, 2.0), "not decided"),
        (1, (0.0, np.nan, np.nan), "not decided"),
    ],
)
def test_one_sign_of_the_whole_interval_decides(sign, interval, verdict):
    assert Claim(2, "", sign, interval).verdict == verdict


SIDE = DatasetSpec("sides", PEOPLE.features, "y", ("no", "yes"), {"side": ("b", "a")})
T = {t: Model.named(DS, t) for t in (1.0, 4.0, 10.0, 11.0, 40.0)}
TEACHER_MODEL, NDS_MODEL = Model.named(TEACHER), Model.named(NDS)
# In hundredths: model -> seed -> DPD; the EOD is the double.
GAPS = {
    TEACHER_MODEL: {0: 20, 1: 30},
    NDS_MODEL: {0: 10, 1: 10},
    T[1.0]: {0: 30, 1: 20},
    T[4.0]: {0: 45, 1: 45},
    T[10.0]: {0: 10, 1: 16},
    T[11.0]: {0: 45, 1: 45},
    T[40.0]: {0: 12, 1: 14},
}


def made_up(gaps):
    """A study of these models and seeds; a loses positives, and b has no error."""
    label = np.repeat([0, 0, 1, 1], CELL)
    side = np.tile(np.repeat([0, 1], CELL), 2)

    def answers(gap):
        right = np.concatenate([np.zeros(2 * CELL), np.ones(CELL)])
        return [*right, *(np.arange(CELL) >= 2 * gap / 100 * CELL)]

    runs = {
        Run(m.name, seed, m.temperature): {"test": np.array(answers(gap), int)}
        for m, seeds in gaps.items()
        for seed, gap in seeds.items()
    }
    return study(SIDE, {"test": truth(label, {"side": side})}, runs)


def rows_of(gaps, individual=None):
    return {row["claim"]: row for row in findings_table(made_up(gaps), individual).rows}


def about_gaps(gaps):
    return {
        claim: (row["finding"], round(row["value"], 9), row["verdict"])
        for claim, row in rows_of(gaps).items()
        if claim[0] != "#"
    }


def about(finding, value, lower, upper, verdict):
    return (finding, *(pytest.approx(v, abs=1e-9) for v in (value, lower, upper)),
            verdict)  # fmt: skip


def claims(gaps, individual=None):
    names = ("finding", "value", "lower", "upper", "verdict")
    return {
        claim: tuple(row[name] for name in names)
        for claim, row in rows_of(gaps, individual).items()
    }


def test_the_gaps_of_the_coldest_warmest_and_hottest_students_are_compared():
    assert about_gaps(GAPS) == {
        # Means 25, 13 (10 and 16), 13 (12 and 14) and the teacher's 25.
        "DPD by side falls from T=1 to T=10": (2, -12, "confirmed"),
        "EOD by side falls from T=1 to T=10": (2, -24, "confirmed"),
        "DPD by side rises from T=10 to T=40": (2, 0, "not decided"),
        "EOD by side rises from T=10 to T=40": (2, 0, "not decided"),
        "DPD by side of T=10 is below the teacher's": (3, -12, "confirmed"),
        "EOD by side of T=10 is below the teacher's": (3, -24, "confirmed"),
    }


def test_intervals_are_those_of_the_library_averaged_over_the_seeds():
    found = made_up(GAPS)
    low, high = found.models[T[1.0]], found.models[T[10.0]]
    changes = [
        found.pair(low[seed], high[seed], "test")
        .gap_change("demographic_parity_difference", "side")
        .interval
        for seed in (0, 1)
    ]
    row = rows_of(GAPS)["DPD by side falls from T=1 to T=10"]
    expected = [
        100 * np.mean([getattr(c, e) for c in changes]) for e in ("low", "high")
    ]
    assert [row["lower"], row["upper"]] == pytest.approx(expected)


def test_claims_against_their_direction_are_refuted():
    gaps = GAPS | {T[1.0]: {0: 1}, T[40.0]: {0: 1, 1: 1}, TEACHER_MODEL: {1: 2}}
    # Of T=1 and the teacher one seed remains: 0 for T=10 against T=1, 1 against it.
    found = about_gaps(gaps)
    expected = {
        "DPD by side falls from T=1 to T=10": (2, 9, "refuted"),
        "DPD by side rises from T=10 to T=40": (2, -12, "refuted"),
        "DPD by side of T=10 is below the teacher's": (3, 14, "refuted"),
    }
    assert {name: found[name] for name in expected} == expected
    assert not [name for name in rows_of(gaps) if name[0] == "#"]  # One seed: no test.


@pytest.mark.parametrize(
    ("temperatures", "falls", "rises", "below"),
    [
        ([10.0], False, False, True),
        ([40.0], False, False, False),
        ([11.0, 40.0], False, False, False),
        ([4.0, 11.0], False, True, True),
        ([4.0, 10.0], True, False, True),
    ],
)
def test_claims_need_their_temperatures(temperatures, falls, rises, below):
    gaps = {m: GAPS[m] for m in (TEACHER_MODEL, *(T[t] for t in temperatures))}
    text = " ".join(claims(gaps))
    assert ("DPD by side falls" in text) == falls
    assert ("DPD by side rises" in text) == rises
    assert ("is below the teacher's" in text) == below
    if below:
        assert "below the teacher's" not in " ".join(
            claims({m: seeds for m, seeds in gaps.items() if m != TEACHER_MODEL})
        )


def individual(values):
    return {
        model: {
            seed: IndividualFairness(mean, mean, 1, 0, 0, 0.0)
            for seed, mean in seeds.items()
        }
        for model, seeds in values.items()
    }


def test_individual_fairness_is_compared_over_common_seeds():
    values = {model: dict.fromkeys((0, 1, 2, 3), 9.0) for model in GAPS}
    values |= {T[1.0]: {0: 0.3, 1: 0.5, 2: 0.4}, T[10.0]: {3: 0.9, 2: 0.1, 0: 0.2}}
    # Changes of seeds 2 and 0: -.3 and -.1; mean -.2, standard error .1.
    width = 12.706204736 * 0.1  # Student's t with one degree of freedom, printed.
    claim = "I(f) falls from T=1 to T=10"
    found = claims(GAPS, individual(values))[claim]
    assert found == about(4, -0.2, -0.2 - width, -0.2 + width, "not decided")
    values |= {T[10.0]: {3: 0.9}}
    assert claim not in claims(GAPS, individual(values))
    cold = {model: GAPS[model] for model in (TEACHER_MODEL, T[10.0])}
    assert claim not in claims(cold, individual(values))


def test_individual_fairness_that_falls_in_every_seed_is_confirmed():
    values = {model: dict.fromkeys((0, 1, 2), 9.0) for model in GAPS}
    values |= {T[1.0]: {0: 0.5, 1: 0.6, 2: 0.7}, T[10.0]: {0: 0.2, 1: 0.29, 2: 0.41}}
    # Changes -.3, -.31 and -.29; Student's t with two degrees of freedom, printed.
    width = 4.302652730 * 0.01 / 3**0.5
    found = claims(GAPS, individual(values))["I(f) falls from T=1 to T=10"]
    assert found == about(4, -0.3, -0.3 - width, -0.3 + width, "confirmed")


def test_the_table_names_its_columns():
    table = findings_table(made_up(GAPS), None)
    assert [(column.name, column.title) for column in table.columns] == [
        ("finding", "finding"),
        ("claim", "claim"),
        ("value", "observed"),
        ("lower", "from"),
        ("upper", "to"),
        ("verdict", "here"),
    ]
    assert "12.000000" in table.csv()


TEN = DatasetSpec(
    "ten", PEOPLE.features, "y", tuple(f"class{i}" for i in range(10)), {"side": "ab"}
)


def biased():
    """Ten classes of unequal sizes, and students that fail more of them with T."""
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.repeat(np.arange(10), np.arange(20, 70, 5)))
    fails = {
        **{Run(TEACHER, seed): 0.1 for seed in range(4)},
        **{Run(NDS, seed): np.where(labels < 5, 0.4, 0.1) for seed in range(3)},
        **{Run(DS, s, 1.0): np.where(labels % 3 == 0, 0.6, 0.2) for s in range(3)},
        **{Run(DS, s, 10.0): np.where(labels < 4, 0.5, 0.1) for s in range(5)},
    }
    answers = {
        run: {"test": np.where(rng.random(len(labels)) < p, (labels + 1) % 10, labels)}
        for run, p in fails.items()
    }
    groups = {"side": rng.integers(2, size=len(labels))}
    return study(TEN, {"test": truth(labels, groups)}, answers)


def test_class_counts_and_their_intervals_are_those_of_repeated_examples():
    found = biased()
    labels = found.truth["test"].labels
    rng, size = np.random.default_rng(0), len(labels)
    draws = [np.arange(size)]
    for _ in range(500):
        times = rng.multinomial(size, np.full(size, 1 / size))
        draws.append(np.repeat(np.arange(size), times))

    def relative(model):
        """Class over overall accuracy `[draws, seeds, classes]`."""
        right = np.array(
            [r.predicted("test") == labels for r in found.models[model].values()]
        )
        values = []
        for drawn in draws:
            hits, classes = right[:, drawn], labels[drawn]
            of_class = [hits[:, classes == k].mean(axis=1) for k in range(10)]
            values.append(np.array(of_class).T / hits.mean(axis=1)[:, np.newaxis])
        return np.array(values)

    of_model = {
        model: relative(model) for model in (TEACHER_MODEL, NDS_MODEL, T[1.0], T[10.0])
    }

    def differing(base, model):
        test = scipy.stats.ttest_ind(
            of_model[base], of_model[model], axis=1, equal_var=False
        )
        return (test.pvalue < 0.05).sum(axis=1)

    rows = findings_table(found, None).rows
    rows = {row["claim"]: row for row in rows if row["finding"] == 1}
    for claim, base in (
        ("#SC rises from T=1 to T=10", NDS_MODEL),
        ("#TC falls from T=1 to T=10", TEACHER_MODEL),
    ):
        change = differing(base, T[10.0]) - differing(base, T[1.0])
        low, high = np.quantile(change[1:], [0.025, 0.975])
        row = rows[claim]
        assert (row["value"], row["lower"], row["upper"]) == (change[0], low, high)
        assert row["value"] != 0
        assert low < high


def test_the_signs_of_the_changes_of_class_counts_decide(monkeypatch):
    monkeypatch.setattr(findings, "_REPLICATES", 40)
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(10), 40)
    models = [*((m, None) for m in (TEACHER, NDS)), (DS, 1.0), (DS, 10.0)]
    answers = {}
    for run in (Run(m, seed, t) for m, t in models for seed in range(3)):
        # T=10 fails half of the classes, so that all of them differ by their ratio.
        fails = np.where((labels < 5) & (run.temperature == 10), 0.7, 0.1)
        wrong = rng.random(len(labels)) < fails
        answers[run] = {"test": np.where(wrong, (labels + 1) % 10, labels)}
    side = {"side": rng.integers(2, size=len(labels))}
    rows = findings_table(study(TEN, {"test": truth(labels, side)}, answers), None).rows
    rows = {row["claim"][:9]: row for row in rows if row["finding"] == 1}
    # Both counts rise by most of the ten classes.
    assert rows["#SC rises"]["verdict"] == "confirmed"
    assert rows["#TC falls"]["verdict"] == "refuted"
    for row in rows.values():
        assert 5 < row["lower"] <= row["value"] <= 10
