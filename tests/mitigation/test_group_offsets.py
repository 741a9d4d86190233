"""GroupOffsets, and thresholds of inferred groups: the search along one offset."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kd_keras import fairness
from kd_keras.mitigation import GroupOffsets, GroupThresholds
from kd_keras.mitigation.offset_lines import between
from kd_keras.mitigation.served import in_order

EO = "equal_opportunity_difference"
# Red is right. Of blue the last one is taken for class 0, .5 ahead of class 2.
LOGITS = [[2, 0, 0], [0, 2, 0], [0, 0, 2], [2, 0, 0], [0, 2, 0], [1, 0, 0.5]]
LABELS = [0, 1, 2, 0, 1, 2]
GROUPS = ["red"] * 3 + ["blue"] * 3


def plain(gap=None, at_most=None, **options):
    return GroupOffsets(gap, at_most, margin=0, min_examples=1, **options)


def test_a_class_that_a_group_loses_is_given_back():
    mended = plain("accuracy_gap", 0).fit(LOGITS, LABELS, GROUPS)
    np.testing.assert_array_equal(mended.predict(LOGITS, GROUPS), LABELS)
    assert mended.outcome.gap == pytest.approx((1 / 3, 0))
    assert mended.outcome.accuracy == pytest.approx((5 / 6, 1))
    np.testing.assert_array_equal(mended.offsets["red"], np.zeros(3))
    blue = mended.offsets["blue"]
    assert blue[2] - blue[0] > 0.5
    change = mended.outcome.groups[0]
    assert (change.group, change.gained, change.lost) == ("blue", 1, 0)
    assert "accuracy gap goes from 33.3 to 0.0 points" in str(mended)
    assert "given class 1" not in str(mended)


def test_groups_that_are_not_known_are_left_as_they_are():
    mended = plain("accuracy_gap", 0).fit(LOGITS, LABELS, GROUPS)
    moved = mended.predict([LOGITS[-1]] * 3, ["blue", "new", None])
    np.testing.assert_array_equal(moved, [2, 0, 0])


def test_the_group_moves_the_logits_by_its_index():
    mended = plain("accuracy_gap", 0).fit(LOGITS, LABELS, GROUPS)
    moved = mended.move([LOGITS[-1]] * 4, [2, 0, 1, -1], ["red", "new", "blue"])
    offset = mended.offsets["blue"]
    assert offset.any()
    np.testing.assert_allclose(
        moved, LOGITS[-1] + np.array([offset, *[0 * offset] * 3])
    )


def test_a_group_may_be_told_of_a_single_example():
    told = ["red", "red", "one", *GROUPS[3:]]
    mended = plain("accuracy_gap", 0).fit(LOGITS, LABELS, GROUPS, inferred=told)
    np.testing.assert_array_equal(mended.predict(LOGITS, told), LABELS)
    described = mended.describe()
    assert described["reads_group"] is False
    assert described["offsets"]["one"] == described["offsets"]["red"] == [0, 0, 0]
    assert described["offsets"]["blue"] == mended.offsets["blue"].tolist()
    known = plain("accuracy_gap", 0).fit(LOGITS, LABELS, GROUPS).describe()
    assert known["reads_group"] is True


def test_floors_of_every_class():
    mended = plain(floor={"true_positive_rate": 1}).fit(LOGITS, LABELS, GROUPS)
    np.testing.assert_array_equal(mended.predict(LOGITS, GROUPS), LABELS)
    # Two of blue are alike, and of two classes: three in four is the most.
    with pytest.raises(ValueError, match=r"have a lowest accuracy of 0\.750\. Allow"):
        plain(floor={"accuracy": 1}).fit(
            [*LOGITS, [0, 2, 0]], [*LABELS, 2], [*GROUPS, "blue"]
        )


def test_values_in_the_order_of_the_groups_indices():
    # The last one is that of an unknown group.
    assert in_order({2: "b", 0: "a"}, None, "-") == ["a", "-", "b", "-"]
    assert in_order({"y": 1}, ["x", "y"], 0) == [0, 1, 0]
    for names in ({"x": 1, 0: 2}, {-1: 1, 0: 2}):
        with pytest.raises(ValueError, match="`group_names` is needed"):
            in_order(names, None, 0)
    with pytest.raises(ValueError, match=r"\['x'\], without \['y', 'z'\]"):
        in_order({"x": 0, "y": 1, "z": 2}, ["x"], 0)


@pytest.mark.parametrize(
    ("values", "size", "expected"),
    [
        ([3, 1, 3, 6], 5, [0, 2, 4.5, 7]),
        # Of ten middles the first, the fifth (of 4.5, the even one) and the last.
        (np.arange(11), 3, [-1, 0.5, 4.5, 9.5, 11]),
        ([2.5], 5, [1.5, 3.5]),
        ([], 5, [0]),
    ],
)
def test_numbers_between(values, size, expected):
    np.testing.assert_array_equal(between(np.array(values), size), expected)


@st.composite
def examples(draw):
    size = draw(st.integers(6, 14))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    labels = np.append(rng.integers(0, 3, size), [0, 1, 2, 0, 1, 2])
    logits = rng.integers(-3, 4, (size + 6, 3)).astype(float)
    logits[np.arange(size + 6), labels] += draw(st.sampled_from([1.0, 2.5]))
    groups = np.append(rng.integers(0, 2, size), [0, 0, 0, 1, 1, 1])
    return logits, labels, groups


# Whole logits tie with whole offsets: search and prediction have to break ties alike.
_TIES = (
    np.array(
        [
            *(
                [-1, -1, 2],
                [-2, 0, 1],
                [0, -3, -2],
                [1, 2, -1],
                [-1, -3, 1],
                [2, -3, -1],
            ),
            *([1, 0, -3], [3, 3, 3], [-3, 2, 0], [3, 2, 3], [1, 2, -3], [3, -3, 0]),
            *([0, 3, -2], [1, -2, -3], [1, 3, -2], [2, -1, -1], [3, -1, 1]),
        ],
        float,
    ),
    np.array([1, 1, 2, 0, 2, 2, 0, 1, 2, 2, 0, 2, 0, 0, 0, 1, 2]),
    np.repeat([0, 1], [9, 8]),
)


@settings(max_examples=40, deadline=None)
@example(_TIES, EO)
@given(
    examples(), st.sampled_from(["accuracy_gap", EO, "demographic_parity_difference"])
)
def test_the_result_keeps_to_the_constraint_or_there_is_none(drawn, name):
    logits, labels, groups = drawn

    def measured(predicted):
        gap = getattr(fairness, name)(labels, predicted, sensitive_features=groups)
        return gap, (predicted != labels).mean()

    before = measured(logits.argmax(1))
    try:
        mended = plain(name, 0.2).fit(logits, labels, groups)
    except ValueError:
        # What fulfils it already can always be kept.
        assert before[0] > 0.2
        return
    gap, error = measured(mended.predict(logits, groups))
    assert gap <= 0.2 + 1e-9
    assert mended.outcome.gap[1] == pytest.approx(gap)
    if before[0] <= 0.2:
        assert error <= before[1]


def test_a_single_offset_is_searched_exactly():
    # One group, no constraint that binds, three classes: against a fine grid.
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    logits = rng.normal(size=(60, 3))
    logits[np.arange(60), labels] += 1
    logits[:, 0] += 1.5
    mended = plain(floor={"accuracy": 0}).fit(logits, labels, np.zeros(60, int))
    grid = np.arange(-3, 3, 0.1)
    best = max(
        ((logits + np.array([a, b, 0])).argmax(1) == labels).mean()
        for a, b in itertools.product(grid, grid)
    )
    assert mended.outcome.accuracy[1] >= best - 1 / 60


def test_order_and_shift_change_nothing():
    rng = np.random.default_rng(1)
    labels, groups = rng.integers(0, 3, 200), rng.integers(0, 2, 200)
    logits = rng.normal(size=(200, 3))
    logits[np.arange(200), labels] += 1 + groups
    one = plain(EO, 0.1).fit(logits, labels, groups)
    order = rng.permutation(200)
    other = plain(EO, 0.1).fit(logits[order], labels[order], groups[order])
    shifted = plain(EO, 0.1).fit(logits + rng.integers(-2, 3, (200, 1)), labels, groups)
    assert one.describe() == other.describe()
    assert one.outcome.gap == shifted.outcome.gap
    weighted = plain(EO, 0.1).fit(
        np.concatenate([logits, logits]),
        np.concatenate([labels, labels]),
        np.concatenate([groups, groups]),
        sample_weight=np.repeat([1, 0], 200),
    )
    assert weighted.offsets.keys() == one.offsets.keys()
    assert weighted.outcome.gap == one.outcome.gap
    json.dumps(one.describe(), allow_nan=False)


def two_classes(told_right):
    rng = np.random.default_rng(0)
    groups, labels = rng.integers(0, 2, 2000), rng.integers(0, 2, 2000)
    scores = 1 / (1 + np.exp(-(rng.normal(size=2000) + 2 * labels - 1 - groups)))
    told = np.where(rng.random(2000) < told_right, groups, 1 - groups)
    return scores, labels, groups, told


@pytest.mark.parametrize("gap", [EO, "equalized_odds_difference"])
def test_thresholds_of_inferred_groups_hold_for_the_true_ones(gap):
    scores, labels, groups, told = two_classes(0.9)
    mended = GroupThresholds(gap, 0.03, margin=0)
    mended.fit(scores, labels, groups, inferred=told)
    predicted = mended.predict(scores, told)
    found = getattr(fairness, gap)(labels, predicted, sensitive_features=groups)
    assert found <= 0.03 + 1e-9
    assert found == pytest.approx(mended.outcome.gap[1])
    assert mended.describe()["reads_group"] is False
    # Worse than with the true groups, and hardly where the true ones are told.
    exact = GroupThresholds(gap, 0.03, margin=0).fit(scores, labels, groups)
    told_all = GroupThresholds(gap, 0.03, margin=0)
    told_all.fit(scores, labels, groups, inferred=groups)
    best = exact.outcome.accuracy[1]
    assert mended.outcome.accuracy[1] < best
    assert best - 0.01 <= told_all.outcome.accuracy[1] <= best
    with pytest.raises(ValueError, match="needs `gap`, and known groups"):
        mended.frontier()


def test_too_few_examples_are_refused_with_their_number():
    scores, labels, groups, told = two_classes(0.9)
    keep = np.concatenate(
        [np.nonzero(groups == 0)[0], np.nonzero(groups == 1)[0][:120]]
    )
    with pytest.raises(ValueError, match=r"group 1 has \d+ positives.*are needed for"):
        GroupThresholds(EO, 0.05).fit(
            scores[keep], labels[keep], groups[keep], inferred=told[keep]
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": [1.0] * 6}, "at least 2 classes"),
        ({"logits": np.full((6, 3), np.inf)}, "`logits` must be finite"),
        ({"labels": [3] * 6}, "`labels` must hold classes from 0 to 2"),
        ({"groups": ["red"] * 6}, "at least 2 groups"),
        ({"inferred": ["red"] * 5}, "`inferred` must have one value for each of the 6"),
    ],
)
def test_bad_examples(change, message):
    good = {"logits": LOGITS, "labels": LABELS, "groups": GROUPS}
    with pytest.raises(ValueError, match=message) as error:
        plain("accuracy_gap", 0).fit(**{**good, **change})
    assert "\n" not in str(error.value)


def test_bad_logits_for_predict():
    mended = plain("accuracy_gap", 0).fit(LOGITS, LABELS, GROUPS)
    with pytest.raises(ValueError, match="must have 3 classes"):
        mended.predict([[0, 1]], ["red"])
    with pytest.raises(ValueError, match=r"Call fit\(\) first"):
        plain("accuracy_gap", 0).predict(LOGITS, GROUPS)


def test_what_is_not_given_has_its_documented_value():
    mended = GroupOffsets("accuracy_gap", 0.1)
    assert (mended.constraint.margin, mended.min_examples) == (2, 50)


def test_two_classes_are_enough_and_one_is_not():
    logits = [[0, 1], [0, -1], [0, -1], [0, -3]]
    mended = plain(EO, 0).fit(logits, [1, 0, 1, 0], [0, 0, 1, 1])
    np.testing.assert_array_equal(mended.predict(logits, [0, 0, 1, 1]), [1, 0, 1, 0])
    assert (mended.outcome.gap, mended.outcome.num_classes) == ((1, 0), 2)
    moved = mended.move([[0, -1]] * 2, [0, 1], ["x", 0, 1])
    np.testing.assert_array_equal(moved.argmax(1), [0, 0])
    moved = mended.move([[0, -1]] * 2, [0, 1], [0, 1])
    np.testing.assert_array_equal(moved.argmax(1), [0, 1])
    with pytest.raises(ValueError, match=r"at least 2 classes\. Received: \(4, 1\)"):
        plain(EO, 0).fit(np.zeros((4, 1)), [0, 1, 0, 1], [0, 0, 1, 1])
    with pytest.raises(ValueError, match="Received: 1 that are not"):
        plain(EO, 0).fit([*logits[:3], [0, np.nan]], [1, 0, 1, 0], [0, 0, 1, 1])


def test_groups_that_are_too_small_keep_the_models_own():
    # Of c there is one example, and of d those of weight 0.
    given = (
        [*LOGITS, [1, 0, 0.5], [1, 0, 0.5], [1, 0, 0.5]],
        [*LABELS, 2, 2, 2],
        [*GROUPS, "c", "d", "d"],
    )
    mended = GroupOffsets("accuracy_gap", 0, margin=0, min_examples=3)
    mended.fit(*given, sample_weight=[1] * 7 + [0] * 2)
    assert mended.outcome.unchanged == ("c", "d")
    for name in ("c", "d"):
        np.testing.assert_array_equal(mended.offsets[name], np.zeros(3))
    assert mended.offsets["blue"].any()
    # Also where the groups are told.
    told = plain("accuracy_gap", 0).fit(
        *(column[:6] for column in given), inferred=["c", *GROUPS[1:]]
    )
    assert told.offsets.keys() == {"c", "red", "blue"}


def weighted_groups():
    """Examples of two groups and classes, of which a fifth is wrong."""
    weights = np.tile([0.5, 0.25, 0.25], 240)
    labels, groups = np.arange(720) % 2, np.arange(720) // 2 % 3 % 2
    wrong = np.arange(720) % 10 < 2
    logits = np.stack([np.zeros(720), np.where(wrong, -1.0, 1.0) * (2 * labels - 1)], 1)
    return logits, labels, groups, weights


def test_what_is_kept_free_counts_effective_examples():
    logits, labels, groups, weights = weighted_groups()
    mended = GroupOffsets("accuracy_gap", 0.5, margin=1.5)
    mended.fit(logits, labels, groups, sample_weight=weights)
    sums, hits = [], []
    for group in (0, 1):
        w = [weights[(groups == group) & (labels == c)] for c in (0, 1)]
        sums.append(sum(v.sum() ** 2 / (v**2).sum() for v in w))
        own = groups == group
        right = (logits.argmax(1) == labels)[own]
        hits.append(np.average(right, weights=weights[own]) * sums[-1])
    p = (sum(hits) + 2) / (sum(sums) + 4)
    expected = 1.5 * np.sqrt(p * (1 - p) * (1 / sums[0] + 1 / sums[1]))
    assert mended.outcome.kept_free == pytest.approx(expected)
    # Whatever the weights are measured in.
    same = GroupOffsets("accuracy_gap", 0.5, margin=1.5)
    same.fit(logits, labels, groups, sample_weight=0.01 * weights)
    assert same.outcome.kept_free == pytest.approx(expected)


def test_the_last_group_may_lack_a_class():
    # Nobody of c is of class 1, the last one.
    logits = np.array([[0, 1], [0, -1]] * 2 + [[0, -1]] * 2)
    mended = plain("accuracy_gap", 0).fit(
        logits, [1, 0, 1, 0, 0, 0], ["a", "a", "b", "b", "c", "c"]
    )
    assert mended.outcome.gap == (0, 0)
    # A standard error is of those groups that have the class.
    free = GroupOffsets(EO, 1, margin=0.5, min_examples=1)
    shown = free.fit(logits[:5], [1, 0, 1, 0, 1], ["a", "a", "b", "b", "c"])
    # TPR 2 of 3 in all, with 2 successes of 4 more, of one example in each group.
    p = 4 / 7
    assert shown.outcome.kept_free == pytest.approx(0.5 * np.sqrt(p * (1 - p) * 2))
