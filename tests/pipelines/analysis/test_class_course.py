"""One table of accuracy, #SC, #TC and alignment by temperature."""

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness import class_bias
from pipelines.analysis.class_course import class_course_table, count_curves
from pipelines.analysis.measures import Measure, model_of
from pipelines.analysis.published import Number, Published
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

CLASSES, EACH = 4, 50
SPEC = DatasetSpec("four", PEOPLE.features, "y", ("k", "l", "m", "n"), {})
T1, T10 = Model.named(DS, 1.0), Model.named(DS, 10.0)
# Right answers of 50 in each class, for seeds 0, 1 and 2.
RIGHT = {
    Model.named(TEACHER): [[45, 45, 45, 45], [46, 45, 45, 44], [45, 46, 44, 45]],
    Model.named(NDS): [[25, 45, 45, 45], [26, 44, 45, 45], [25, 45, 46, 44]],
    T1: [[25, 45, 44, 46], [25, 45, 45, 45], [26, 45, 44, 45]],
    T10: [[35, 45, 45, 45], [36, 44, 45, 45], [35, 45, 46, 44]],
}


def a_study(right=RIGHT):
    labels = np.repeat(np.arange(CLASSES), EACH)
    answers = {}
    for model, seeds in right.items():
        for seed, hits in enumerate(seeds):
            is_right = np.concatenate([np.arange(EACH) < n for n in hits])
            predicted = np.where(is_right, labels, (labels + 1) % CLASSES)
            run = Run(model.name, seed, model.temperature)
            answers[run] = {"test": predicted}
    return study(SPEC, {"test": truth(labels, {})}, answers)


def rows_of(made, **options):
    return {model_of(row): row for row in class_course_table(made, **options).rows}


def test_accuracy_and_counts_in_one_row():
    rows = rows_of(a_study())
    shares = {m: np.array(hits) / EACH for m, hits in RIGHT.items()}
    for model, by_class in shares.items():
        overall = by_class.mean(axis=1)
        row = rows[model]
        assert row["top1_mean"] == pytest.approx(overall.mean())
        assert row["top1_sd"] == pytest.approx(overall.std(ddof=1))
        assert ("sc" in row) == (model in (T1, T10))
    for model in (T1, T10):
        for name, base in (("sc", Model.named(NDS)), ("tc", Model.named(TEACHER))):
            a, b = shares[base], shares[model]
            found = class_bias(a, b, overall_a=a.mean(axis=1), overall_b=b.mean(axis=1))
            assert rows[model][name] == len(found.significant)
    assert rows[T10]["sc"] > rows[T1]["sc"]
    # T=10 has won 10 of the 20 answers that nds lacks in the first class.
    assert rows[T10]["alignment"] == pytest.approx(0.5, abs=0.02)
    assert rows[T1]["alignment"] == pytest.approx(0, abs=0.03)
    assert rows[T1]["alignment_lower"] < 0 < rows[T1]["alignment_upper"]


def test_one_seed_has_no_counts():
    made = a_study({model: seeds[:1] for model, seeds in RIGHT.items()})
    assert "sc" not in rows_of(made)[T10]
    assert count_curves(made, class_course_table(made)) == {}


def test_published_values_stand_beside_them():
    made = a_study()
    published = Published(
        {Measure("accuracy", ""): {T10: Number(0.9, 0.01, "table1")}},
        {T10: (22, 11)},
        {},
    )
    row = rows_of(made, published=published)[T10]
    assert (row["top1_published"], row["sc_published"], row["tc_published"]) == (
        *(0.9, 22, 11),
    )
    names = [c.name for c in class_course_table(made, published).columns]
    assert names == [
        *("model", "temperature", "top1_mean", "top1_sd", "top1_published"),
        *("sc", "sc_published", "tc", "tc_published"),
        *("alignment", "alignment_lower", "alignment_upper"),
    ]
    own = [name for name in names if not name.endswith("_published")]
    assert [c.name for c in class_course_table(made).columns] == own
    found = count_curves(made, class_course_table(made, published))
    assert found["sc"].published == {10.0: 22}
    assert found["tc"].published == {10.0: 11}
    assert found["sc"].temperatures == [1, 10]
    rows = rows_of(made)
    assert found["tc"].band.mean.tolist() == [rows[T1]["tc"], rows[T10]["tc"]]


def test_two_common_seeds_are_enough_for_counts_and_one_is_not():
    rows = rows_of(a_study({m: hits[:2] for m, hits in RIGHT.items()}))
    assert {"sc", "tc", "alignment"} <= rows[T10].keys()
    few = {m: hits[:1] if m == T10 else hits for m, hits in RIGHT.items()}
    made = a_study(few)
    rows = rows_of(made)
    assert "sc" in rows[T1]
    assert "sc" not in rows[T10]
    assert rows[T10]["seeds"] == 1
    # A curve has every temperature, or it is not drawn.
    assert count_curves(made, class_course_table(made)) == {}


@pytest.mark.parametrize(("gone", "kept"), [(NDS, "tc"), (TEACHER, "sc")])
def test_without_one_of_both_there_is_one_count_and_no_way(gone, kept):
    right = {model: hits for model, hits in RIGHT.items() if model.name != gone}
    made = a_study(right)
    row = rows_of(made)[T10]
    assert row[kept] == rows_of(a_study())[T10][kept]
    assert {"sc", "tc", "alignment"} & row.keys() == {kept}
    assert list(count_curves(made, class_course_table(made))) == [kept]


def test_seeds_are_paired_by_their_number():
    # Without its seed 0 the nds has seeds 1 and 2, and so has the way.
    made = a_study()
    answers = {
        r.run: {"test": r.logits["test"]} for r in made.results if r.run != Run(NDS, 0)
    }
    two = {m: hits[1:] for m, hits in RIGHT.items()}
    row = rows_of(study(SPEC, made.truth, answers))[T1]
    for name in ("sc", "tc", "alignment", "alignment_lower", "alignment_upper"):
        assert row[name] == pytest.approx(rows_of(a_study(two))[T1][name])
    assert row["seeds"] == 3


def test_the_interval_of_the_way_is_students():
    row = rows_of(a_study())[T1]
    shares = {m: np.array(hits) / EACH for m, hits in RIGHT.items()}
    models = (T1, Model.named(NDS), Model.named(TEACHER))
    ds, nds, teacher = (
        shares[m] - shares[m].mean(axis=1, keepdims=True) for m in models
    )
    # The direction of each seed is the mean way of the two others.
    way = teacher - nds
    others = np.array([way[[1, 2]], way[[0, 2]], way[[0, 1]]]).mean(axis=1)
    length = (way * others).sum(axis=1).mean()
    along = ((ds - nds) * others).sum(axis=1) / length
    # 97.5 % of Student's t with two degrees of freedom, as printed.
    half = 4.3027 * along.std(ddof=1) / np.sqrt(3)
    assert row["alignment"] == pytest.approx(along.mean())
    ends = (row["alignment_lower"], row["alignment_upper"])
    assert ends == pytest.approx((along.mean() - half, along.mean() + half), rel=1e-4)


def test_without_students_there_are_no_curves():
    made = a_study({m: hits for m, hits in RIGHT.items() if m.name != DS})
    assert count_curves(made, class_course_table(made)) == {}
