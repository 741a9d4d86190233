"""I(f) of every run: pairs against SciPy, intervals against printed quantiles."""

import dataclasses

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import scipy.stats
from memory_study import people

from kd_keras.fairness import IndividualFairness
from pipelines.analysis.individual_fairness import (
    description,
    individual_table,
    measure,
    obstacle,
)
from pipelines.analysis.published import NOTHING, Number, Published
from pipelines.analysis.results import Model
from pipelines.studies.embeddings import Embeddings
from pipelines.studies.layout import DS, NDS, TEACHER

T1, T4 = Model.named(DS, 1.0), Model.named(DS, 4.0)
TEACHER_MODEL, NDS_MODEL = Model.named(TEACHER), Model.named(NDS)


def a_study(**options):
    config = {"evaluation": {"split": "test", "individual_fairness": options}}
    return people(seeds=(0, 1), temperatures=(1.0, 4.0), examples=20, config=config)


def embeddings_of(found, values=None, **source):
    if values is None:
        values = np.random.default_rng(1).normal(size=(20, 3)) + 2
    ids = found.truth["test"].ids
    return Embeddings(ids, values, {"extractor": "teacher/seed0", **source})


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_every_run_is_measured_on_all_pairs(metric):
    found = a_study(pairs="all", input_distance=metric)
    embeddings = embeddings_of(found)
    measured = measure(found, embeddings)
    apart = scipy.spatial.distance.pdist(embeddings.values, metric)
    assert list(measured) == list(found.models)
    for model, seeds in found.models.items():
        assert list(measured[model]) == [0, 1]
        for seed, result in seeds.items():
            logits = result.logits["test"].astype(float)
            outputs = scipy.special.softmax(logits, axis=1)
            moved = scipy.spatial.distance.pdist(outputs, "cityblock") / 2
            one = measured[model][seed]
            assert one.mean == pytest.approx(np.mean(moved / apart), rel=1e-12)
            assert one.num_pairs == 190


def test_options_of_the_pairs_and_outputs_are_the_configs():
    found = a_study(pairs=70, output_distance="euclidean", input_distance="euclidean")
    one = measure(found, embeddings_of(found))[T1][0]
    assert one.num_pairs == 70
    total = a_study(pairs=70, input_distance="euclidean")
    # The L2 distance of two probabilities (p, 1 - p) is sqrt(2) |p - q|.
    assert one.mean == pytest.approx(
        np.sqrt(2) * measure(total, embeddings_of(total))[T1][0].mean
    )


def test_what_is_in_the_way():
    found = a_study()
    embeddings = embeddings_of(found)
    assert obstacle(found, embeddings) == ""
    assert obstacle(found, None).startswith("the extractor's embeddings are not there.")
    other = embeddings._replace(ids=embeddings.ids[::-1])
    text = obstacle(found, other)
    assert text.startswith("the extractor's embeddings are of other examples.")
    assert "python -m pipelines.embeddings" in text
    values = embeddings.values.copy()
    values[[3, 5]] = 0
    values[7] = [0, 0, 1]
    zeros = embeddings_of(found, values)
    assert obstacle(found, zeros).startswith("2 examples have zero as embedding")
    euclidean = a_study(input_distance="euclidean")
    assert obstacle(euclidean, zeros) == ""


def one(mean, largest=0.0, identical=5, violations=0):
    return IndividualFairness(mean, largest, 10, identical, violations, 0.0)


MEASURED = {
    TEACHER_MODEL: {0: one(0.2)},
    NDS_MODEL: {0: one(0.3, 1.0, violations=3), 1: one(0.5, 2.0, violations=4),
                2: one(0.1)},
    T1: {2: one(0.3, 4.0, 5, 2), 1: one(0.6, 3.0, 5, 1), 9: one(0.0, 2.0, 5, 0)},
    T4: {8: one(0.25)},
}  # fmt: skip


def test_table_by_hand():
    found = a_study()
    rows = {
        (r["model"], r["temperature"]): r
        for r in individual_table(found, MEASURED, NOTHING).rows
    }
    ds = rows["ds", 1.0]
    assert (ds["seeds"], ds["identical"]) == (3, 5)
    assert ds["mean"] == pytest.approx(0.3)
    assert ds["sd"] == pytest.approx(0.3)
    # 4.302653 .3 / sqrt(3) = .745: it cannot fall below 0.
    assert ds["lower"] == 0
    assert ds["upper"] == pytest.approx(0.3 + 4.302653 * 0.3 / np.sqrt(3), abs=1e-6)
    assert (ds["largest"], ds["violations"]) == (3.0, 1.0)
    # Seeds 2 and 1: .2 and .1; mean .15, standard error .05, t 12.706205.
    assert ds["change"] == pytest.approx(0.15)
    width = 12.706205 * 0.05
    assert ds["change_lower"] == pytest.approx(0.15 - width, abs=1e-6)
    assert ds["change_upper"] == pytest.approx(0.15 + width, abs=1e-6)
    for other in (("teacher", None), ("nds", None), ("ds", 4.0)):
        assert "change" not in rows[other]  # Nor a common seed with T=4.
    teacher = rows["teacher", None]
    assert np.isnan([teacher["sd"], teacher["lower"], teacher["upper"]]).all()
    assert rows["nds", None]["largest"] == pytest.approx(1.0)


def test_table_without_nds_has_no_change():
    found = a_study()
    del found.models[NDS_MODEL]
    measured = {m: seeds for m, seeds in MEASURED.items() if m != NDS_MODEL}
    for row in individual_table(found, measured, NOTHING).rows:
        assert "change" not in row


def test_published_values_and_names_of_the_columns():
    found = a_study()
    names = [c.name for c in individual_table(found, MEASURED, NOTHING).columns]
    assert names == [
        *("model", "temperature", "seeds", "mean", "sd", "lower", "upper"),
        *("change", "change_lower", "change_upper"),
        *("largest", "identical", "violations"),
    ]
    published = Published({}, {}, {T4: Number(0.0906, np.nan, "table4")})
    table = individual_table(found, MEASURED, published)
    assert [c.name for c in table.columns] == [*names, "published"]
    assert [r.get("published") for r in table.rows] == [None, None, None, 0.0906]
    assert "compare their course over T alone" in table.caption
    assert "compare" not in individual_table(found, MEASURED, NOTHING).caption
    ds = next(line for line in table.csv().splitlines() if line.startswith("ds,1,"))
    assert ",0.150000," in ds


def test_what_was_measured_is_described():
    found = a_study(pairs="all", input_distance="euclidean")
    _, text = description(found, embeddings_of(found))
    assert "Outputs: total variation of the probabilities." in text
    assert "euclidean distance of 3 features, over all pairs" in text
    assert "is teacher/seed0 of this study, frozen" in text
    found = a_study(extractor="/m/seen.keras", pairs=12_345)
    embeddings = embeddings_of(
        found, extractor="/m/seen.keras", sha256="0123456789ab" * 5
    )
    _, text = description(found, embeddings)
    assert "cosine distance of 3 features, over 12,345 random pairs" in text
    assert "is the model /m/seen.keras (SHA-256 0123456789ab)." in text


def test_numbers_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        MEASURED[T4][8].mean = 1


def test_the_input_itself_may_be_what_is_compared():
    found = a_study(extractor="input", pairs="all")
    _, text = description(found, embeddings_of(found, extractor="input"))
    assert "The extractor of the features is none: numbers are standardized" in text
    assert "teacher" not in text
    assert "SHA-256" not in text
