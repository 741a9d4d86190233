"""The paper's #SC and #TC of every temperature, against SciPy."""

import numpy as np
import pytest
import scipy.stats
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.class_bias import class_bias_table
from pipelines.analysis.published import Published
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

CLASSES = 12
TWELVE = DatasetSpec(
    "twelve", PEOPLE.features, "y", tuple(f"c{i}" for i in range(CLASSES)), {}
)
T4, T10 = Model.named(DS, 4.0), Model.named(DS, 10.0)


@pytest.fixture(scope="module")
def biased():
    """Unequal classes; the worst ones differ between the models."""
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.repeat(np.arange(CLASSES), np.arange(20, 44, 2)))
    fails = {
        **{Run(TEACHER, s): np.where(labels < 2, 0.3, 0.05) for s in range(5)},
        **{Run(NDS, s): np.where(labels < 7, 0.5, 0.1) for s in range(4)},
        **{Run(DS, s, 4.0): np.where(labels % 3 == 0, 0.6, 0.2) for s in range(3)},
        Run(DS, 0, 10.0): 0.2,
    }
    answers = {
        run: {"test": np.where(rng.random(len(labels)) < p, (labels + 1) % 12, labels)}
        for run, p in fails.items()
    }
    return study(TWELVE, {"test": truth(labels, {})}, answers)


@pytest.mark.parametrize("relative", ["ratio", "difference"])
def test_counts_are_scipys(biased, relative):
    labels = biased.truth["test"].labels

    def accuracies(model):
        right = [r.predicted("test") == labels for r in biased.models[model].values()]
        of_class = [[hit[labels == k].mean() for k in range(CLASSES)] for hit in right]
        overall = np.array([[hit.mean()] for hit in right])
        by_class = np.array(of_class)
        return by_class / overall if relative == "ratio" else by_class - overall

    rows = class_bias_table(biased).rows
    (row,) = (r for r in rows if (r["temperature"], r["relative"]) == (4.0, relative))
    found = []
    for name, base in (("sc", biased.nds), ("tc", biased.teacher)):
        p = scipy.stats.ttest_ind(
            accuracies(base), accuracies(T4), equal_var=False
        ).pvalue
        corrected = scipy.stats.false_discovery_control(p)
        assert row[name] == (p < 0.05).sum()
        assert row[f"{name}_corrected"] == (corrected < 0.05).sum()
        assert row[f"{name}_chance"] == pytest.approx(0.05 * CLASSES)
        found += [row[name], row[f"{name}_corrected"]]
    assert len(set(found)) == 4  # Counts that tell the bases and corrections apart.


def test_a_model_of_one_seed_is_not_tested(biased):
    rows = [r for r in class_bias_table(biased).rows if r["temperature"] == 10.0]
    assert [r["relative"] for r in rows] == ["ratio", "difference"]
    assert [set(row) for row in rows] == 2 * [{"model", "temperature", "relative"}]


def test_two_seeds_are_enough(biased):
    answers = {
        r.run: {"test": r.predicted("test")} for r in biased.results if r.run.seed < 2
    }
    row = class_bias_table(study(TWELVE, biased.truth, answers)).rows[0]
    assert row["temperature"] == 4.0
    assert (row["sc_chance"], row["tc_chance"]) == pytest.approx((0.6, 0.6))


def test_a_base_that_is_not_there_is_left_out(biased):
    answers = {
        r.run: {"test": r.predicted("test")}
        for r in biased.results
        if r.run.model != NDS
    }
    alone = study(TWELVE, biased.truth, answers)
    row = class_bias_table(alone).rows[0]
    assert "sc" not in row
    assert row["tc"] == class_bias_table(biased).rows[0]["tc"]


def test_published_counts_stand_beside_the_own_ones(biased):
    found = class_bias_table(biased, Published({}, {T4: (5, 15)}, {}))
    rows = [(r.get("sc_published"), r.get("tc_published")) for r in found.rows]
    assert rows == [(5, 15), (5, 15), (None, None), (None, None)]
    names = [column.name for column in found.columns]
    assert names == [
        *("model", "temperature", "relative"),
        *("sc", "sc_corrected", "sc_chance", "sc_published"),
        *("tc", "tc_corrected", "tc_chance", "tc_published"),
    ]
    assert "sc_published" not in [c.name for c in class_bias_table(biased).columns]
