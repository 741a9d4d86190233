"""Evidence counts examples, not weights, of every group and class."""

from kd_keras.fairness import GroupCounts
from kd_keras.fairness.evidence import evidence

# Group a: 3 positives and 2 negatives; b: 2 and 3. One positive of a is heavy.
LABELS = [1, 1, 1, 0, 0, 1, 1, 0, 0, 0]
GROUPS = list("aaaaabbbbb")
WEIGHTS = [100, 1, 1, 1, 1, 0.5, 0.5, 2, 2, 2]


def counts(labels=LABELS, **options):
    return GroupCounts.from_predictions(
        labels, [0] * 10, groups={"g": GROUPS}, sample_weight=WEIGHTS, **options
    )


def statuses(**least):
    return [found.status for found in evidence(counts(), "g", **least)]


def test_positives_and_negatives_are_counted_without_weights():
    found = evidence(counts(), "g")
    assert [entry[:4] for entry in found] == [("a", 1, 3, 2), ("b", 1, 2, 3)]


def test_both_must_be_enough():
    few, enough = "insufficient evidence", "sufficient"
    assert statuses() == [few, few]
    assert statuses(min_positives=2, min_negatives=2) == [enough, enough]
    assert statuses(min_positives=3, min_negatives=2) == [enough, few]
    assert statuses(min_positives=2, min_negatives=3) == [few, enough]
    assert statuses(min_positives=3, min_negatives=3) == [few, few]


def test_ten_of_each_are_enough():
    labels, groups = [1] * 10 + [0] * 10, ["a"] * 20
    full = GroupCounts.from_predictions(labels, labels, groups={"g": groups})
    assert evidence(full)[0].status == "sufficient"
    for left_out in (0, 19):
        less = GroupCounts.from_predictions(
            labels[:left_out] + labels[left_out + 1 :],
            labels[1:],
            groups={"g": groups[1:]},
        )
        assert evidence(less)[0].status == "insufficient evidence"


def test_every_one_of_several_classes_is_judged():
    found = evidence(counts([2, 1, 1, 0, 0, 1, 2, 0, 0, 0], num_classes=3), "g",
                     min_positives=2)  # fmt: skip
    assert [entry[:4] for entry in found] == [
        *(("a", 0, 2, 3), ("a", 1, 2, 3), ("a", 2, 1, 4)),
        *(("b", 0, 3, 2), ("b", 1, 1, 4), ("b", 2, 1, 4)),
    ]
