"""Tables of runs and their means, against Fairlearn and NumPy."""

import fairlearn.metrics
import numpy as np
import pytest
from memory_study import PEOPLE, people, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.chance import ByChance
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.measures import (
    GAP_OF,
    TITLES,
    Measure,
    mean_value,
    measures_of,
    model_cells,
    model_of,
    run_table,
    summary_table,
)
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

ALONE = DatasetSpec("alone", PEOPLE.features, "y", ("no", "yes"), {})
NAMES = ("model", "temperature", "seed", "attribute", "metric", "value", "undefined")


@pytest.fixture(scope="module")
def several():
    return people(seeds=(0, 2), temperatures=(2.5,))


def test_names():
    assert GAP_OF == {
        "dpd": "demographic_parity_difference",
        "eod": "equalized_odds_difference",
    }
    assert TITLES == {"accuracy": "accuracy", "dpd": "DPD", "eod": "EOD"}
    assert model_cells(Model.named(DS, 2.5)) == {"model": "ds", "temperature": 2.5}
    assert model_cells(Model.named(NDS)) == {"model": "nds", "temperature": None}


def test_measures_of_a_study(several):
    assert measures_of(several) == [
        Measure("accuracy", ""),
        Measure("dpd", "side"),
        Measure("eod", "side"),
        Measure("dpd", "age"),
        Measure("eod", "age"),
    ]


def test_runs_are_measured_as_by_fairlearn(several):
    table = run_table(several)
    assert tuple(column.name for column in table.columns) == NAMES
    values = {
        (r["model"], r["temperature"], r["seed"], r["attribute"], r["metric"]): r
        for r in table.rows
    }
    assert len(values) == len(table.rows) == 6 * (1 + 2 * 3)
    of_test = several.truth["test"]
    for result in several.results:
        run = (result.run.model, result.run.temperature, result.run.seed)
        predicted = result.predicted("test")
        right = np.mean(predicted == of_test.labels)
        assert values[(*run, "", "accuracy")]["value"] == pytest.approx(right)
        for attribute, groups in of_test.groups.items():
            known = groups >= 0
            for metric, says in (
                *(("dpd", predicted), ("eod", predicted)),
                ("base_rate_gap", of_test.labels),
            ):
                oracle = (
                    fairlearn.metrics.equalized_odds_difference
                    if metric == "eod"
                    else fairlearn.metrics.demographic_parity_difference
                )
                expected = oracle(
                    of_test.labels[known],
                    says[known],
                    sensitive_features=groups[known],
                )
                row = values[(*run, attribute, metric)]
                assert row["value"] == pytest.approx(expected, abs=1e-12)
                assert row["undefined"] == ""


THREE = DatasetSpec(
    "three", PEOPLE.features, "y", ("red", "green", "blue"), {"side": ("b", "a")}
)


def test_what_is_undefined_is_named():
    # b has no green; a has no blue.
    found = study(
        THREE,
        {"test": truth([0, 2, 2, 0, 1, 1], {"side": [0, 0, 0, 1, 1, 1]})},
        {Run(NDS, 0): {"test": [0, 2, 1, 0, 1, 0]}},
    )
    rows = {row["metric"]: row for row in run_table(found).rows}
    assert rows["dpd"]["undefined"] == ""
    assert rows["eod"]["undefined"] == (
        "true_positive_rate of green in b; true_positive_rate of blue in a; "
        "a: 3 examples, 0 of them positives; b: 3 examples, 0 of them positives"
    )
    one = study(
        PEOPLE,
        {"test": truth([0, 1], {"side": [0, 0], "age": [0, 1]})},
        {Run(NDS, 0): {"test": [0, 1]}},
    )
    rows = {(r["attribute"], r["metric"]): r for r in run_table(one).rows}
    assert np.isnan(rows["side", "dpd"]["value"])
    assert rows["side", "dpd"]["undefined"].startswith("needs at least two groups")


def test_rates_of_few_examples_are_left_out_and_named_with_their_sizes():
    # Of b four and of a nine; five are too few, nine are not.
    found = study(
        THREE,
        {"test": truth([0, 1, 2, 0] + [0, 1, 2] * 3, {"side": [0] * 4 + [1] * 9})},
        {Run(NDS, 0): {"test": [0] * 13}},
        config={"evaluation": {"split": "test", "min_examples": 5}},
    )
    rows = {row["metric"]: row for row in run_table(found).rows}
    assert np.isnan(rows["dpd"]["value"])
    assert rows["dpd"]["undefined"] == (
        "no class has two groups with defined rates (under 5 examples in a "
        "denominator); b: 4 examples"
    )


def test_a_crossing_is_measured_as_its_groups():
    crossed = people(seeds=(0,), config={"attributes": ("side", ["side", "age"])})
    assert crossed.attributes == ("side", "age", ("side", "age"))
    measure = Measure("dpd", ("side", "age"))
    assert (measure.by, measure.title) == ("side x age", "DPD by side x age")
    assert measure in measures_of(crossed)
    of_test, (teacher, *_) = crossed.truth["test"], crossed.results
    known = (of_test.groups["side"] >= 0) & (of_test.groups["age"] >= 0)
    expected = fairlearn.metrics.demographic_parity_difference(
        of_test.labels[known],
        teacher.predicted("test")[known],
        sensitive_features=np.stack(
            [of_test.groups["side"][known], of_test.groups["age"][known]], axis=1
        ),
    )
    runs = run_table(crossed)
    assert mean_value(runs, measure, Model.of(teacher.run)) == pytest.approx(expected)
    attributes = [row["attribute"] for row in summary_table(crossed, runs).rows]
    assert list(dict.fromkeys(attributes)) == ["side", "age", "side x age"]


def test_summary_is_mean_and_sample_sd_over_the_seeds(several):
    runs = run_table(several)
    chance = {
        Model.named(DS, 2.5): {
            Measure("dpd", "age"): ByChance(0.11, 0.2),
            Measure("eod", "age"): ByChance(0.12, 0.3),
            Measure("dpd", "side"): ByChance(0.13, 0.4),
        }
    }
    table = summary_table(several, runs, chance)
    assert [(r["attribute"], r["model"], r["seeds"]) for r in table.rows] == [
        (attribute, model, 2)
        for attribute in ("side", "age")
        for model in ("teacher", "nds", "ds")
    ]
    for row in table.rows:
        for metric in ("accuracy", "dpd", "eod", "base_rate_gap"):
            attribute = "" if metric == "accuracy" else row["attribute"]
            found = [
                r["value"]
                for r in runs.rows
                if (r["model"], r["attribute"], r["metric"])
                == (row["model"], attribute, metric)
            ]
            if metric == "base_rate_gap":
                assert row[metric] == found[0] == found[1]
                continue
            assert row[f"{metric}_mean"] == pytest.approx(sum(found) / 2, abs=1e-12)
            sd = abs(found[0] - found[1]) / np.sqrt(2)
            assert row[f"{metric}_sd"] == pytest.approx(sd, abs=1e-12)
    ds = {r["attribute"]: r for r in table.rows if r["model"] == "ds"}
    assert (ds["age"]["dpd_chance"], ds["age"]["eod_chance"]) == (0.11, 0.12)
    assert ds["side"]["dpd_chance"] == 0.13
    assert "eod_chance" not in ds["side"]
    names = [column.name for column in table.columns]
    assert names == [
        *("attribute", "model", "temperature", "seeds", "accuracy_mean", "accuracy_sd"),
        *("dpd_mean", "dpd_sd", "dpd_chance", "eod_mean", "eod_sd", "eod_chance"),
        "base_rate_gap",
    ]
    names = [column.name for column in summary_table(several, runs).columns]
    assert not [name for name in names if "chance" in name]


def test_the_sd_of_one_seed_is_undefined():
    found = study(
        ALONE, {"test": truth([0, 1, 1], {})}, {Run(TEACHER, 4): {"test": [0, 1, 0]}}
    )
    (row,) = summary_table(found, run_table(found)).rows
    assert row["accuracy_mean"] == pytest.approx(2 / 3)
    assert np.isnan(row["accuracy_sd"])
    assert (row["attribute"], row["seeds"]) == ("", 1)


@pytest.mark.parametrize("method", ["plain", "balanced"])
@pytest.mark.parametrize("mended", [False, True])
def test_cells_name_one_model_alone(method, mended):
    model = Model(2, 4.0, method, mended)
    cells = model_cells(model)
    assert cells["model"] == ("ds mended" if mended else "ds")
    assert cells.get("method") == (None if method == "plain" else method)
    assert model_of(cells) == model
    assert model_of(cells | {"method": cells.get("method", "")}) == model


def test_the_mean_is_of_the_rows_of_one_model_measure_and_attribute(several):
    t = Model.named(DS, 2.5)
    about = {"metric": "dpd", "attribute": "age"}
    rows = [
        model_cells(t) | about | {"value": 0.1},
        model_cells(t) | about | {"value": 0.3},
        model_cells(t) | about | {"attribute": "side", "value": 9},
        model_cells(t) | about | {"metric": "eod", "value": 9},
        model_cells(Model.named(DS, 4.0)) | about | {"value": 9},
    ]
    runs = DataTable("runs", "", (), rows)
    assert mean_value(runs, Measure("dpd", "age"), t) == pytest.approx(0.2)


def test_columns_of_students_that_a_method_mended():
    answers = {"test": [0, 1, 1]}
    truths = {"test": truth([0, 1, 1], {})}
    for method, there in (("plain", False), ("balanced", True)):
        found = study(ALONE, truths, {Run(DS, 0, 4.0, method): answers})
        names = [column.name for column in run_table(found).columns]
        assert ("method" in names) == there
