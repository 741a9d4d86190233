"""Which groups decide a gap: right answers of each, counted by hand."""

import numpy as np
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from kd_keras.fairness.gaps import gap
from pipelines.analysis.deciding import deciding
from pipelines.studies.layout import DS, Run

THREE = DatasetSpec(
    "three", PEOPLE.features, "y", ("red", "green", "blue"), PEOPLE.groups
)


def decided(labels, side, *wrong, metric="accuracy_gap", spec=PEOPLE):
    """Of seeds, each with these wrong examples."""
    labels = np.array(labels)
    next_one = (labels + 1) % spec.num_classes
    answers = {
        Run(DS, seed, 4.0): {
            "test": np.where(np.isin(np.arange(len(labels)), of_seed), next_one, labels)
        }
        for seed, of_seed in enumerate(wrong)
    }
    found = study(spec, {"test": truth(labels, {"side": side, "age": side})}, answers)
    gaps = [
        gap(found.counts(result, "test"), metric, attribute="age", min_examples=1)
        for result in found.results
    ]
    return deciding(gaps, spec.class_names)


# Six of young, four of adult, two of old.
LABELS, AGE = [1, 0] * 6, np.repeat([0, 1, 2], [6, 4, 2])
YOUNG, ADULT, OLD = (
    f"{name} ({size} examples)"
    for name, size in (("young", 6), ("adult", 4), ("old", 2))
)


def test_of_one_seed_the_lowest_and_the_highest_are_named():
    assert decided(LABELS, AGE, [0, 1, 6, 10, 11]) == f"{OLD} and {ADULT}"
    # Of two classes none is named.
    assert decided(LABELS, AGE, [0], metric="equal_opportunity_difference") == (
        "young (6 examples, 3 of them positives) and adult (4 examples, 2 of them "
        "positives)"
    )


def test_of_several_seeds_the_pair_of_most_is_named():
    assert decided(LABELS, AGE, [0, 1, 6], [10, 1], [0, 1, 6]) == (
        f"{YOUNG} and {OLD}, in 2 of 3 seeds"
    )
    # Between equal rates nobody decides.
    assert decided(LABELS, AGE, [], [10, 1]) == f"{OLD} and {ADULT}, in 1 of 2 seeds"


def test_between_equal_rates_there_is_nobody():
    assert decided(LABELS, AGE, []) == ""
    assert decided(LABELS, AGE, [], []) == ""
    assert deciding([], PEOPLE.class_names) == ""


def test_of_several_classes_the_most_unequal_one_is_named():
    # Of young, one of two red is missed, and both green; adult has no error.
    labels = [0, 0, 1, 1, 2, 2, 0, 0, 0, 1, 1, 2, 2, 2]
    age = np.repeat([0, 1], [6, 8])
    found = decided(
        labels, age, [0, 2, 3], metric="equal_opportunity_difference", spec=THREE
    )
    assert found == (
        "young (6 examples, 2 of them positives) and adult (8 examples, 2 of them "
        "positives), most for green"
    )


def test_of_the_worst_group_it_alone_is_named():
    # Young has 5 of 6 right, adult 2 of 4, old both.
    found = decided(LABELS, AGE, [0, 6, 7], metric="worst_group_accuracy")
    assert found == "adult: 4 examples"


def test_of_several_classes_all_together_none_is_named():
    labels = [0, 0, 1, 1, 2, 2, 0, 0, 0, 1, 1, 2, 2, 2]
    found = decided(labels, np.repeat([0, 1], [6, 8]), [0, 2, 3], spec=THREE)
    assert found == "young (6 examples) and adult (8 examples)"


def test_of_one_group_alone_nobody_decides():
    assert decided(LABELS, np.zeros(12, int), [0, 1]) == ""
