"""GroupThresholds, on numbers worked by hand and against every choice there is."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kd_keras import fairness
from kd_keras.mitigation import GroupThresholds

EO = "equal_opportunity_difference"
GAPS = {
    "demographic_parity_difference": fairness.demographic_parity_difference,
    EO: fairness.equal_opportunity_difference,
    "equalized_odds_difference": fairness.equalized_odds_difference,
    "false_positive_rate_difference": fairness.false_positive_rate_difference,
    "accuracy_gap": fairness.accuracy_gap,
}

# At .5: a has TPR 2/2 and no error; b has TPR 1/2 and 1 error of 4.
SCORES = [0.9, 0.8, 0.4, 0.1, 0.9, 0.4, 0.3, 0.2]
LABELS = [1, 1, 0, 0, 1, 1, 0, 0]
GROUPS = list("aaaabbbb")


def plain(gap=None, at_most=None, **options):
    return GroupThresholds(gap, at_most, margin=0, min_examples=1, **options)


def test_a_group_that_is_passed_over_gets_a_lower_threshold():
    mended = plain(EO, 0).fit(SCORES, LABELS, GROUPS)
    # Half way between .4 and .3; a's own threshold is right already.
    assert mended.thresholds == {"a": 0.5, "b": pytest.approx(0.35)}
    predicted = mended.predict(SCORES, GROUPS)
    np.testing.assert_array_equal(predicted, LABELS)
    outcome = mended.outcome
    assert outcome.gap == (0.5, 0.0)
    assert outcome.accuracy == (7 / 8, 1.0)
    assert not outcome.levelled_down
    b = outcome.groups[1]
    assert (b.group, b.examples, b.counted) == ("b", 4, 2)
    assert (b.benefit, b.accuracy) == ((0.5, 1.0), (0.75, 1.0))
    assert (b.gained, b.lost, b.selected) == (1, 0, (1, 2))


def test_print_says_it_in_a_sentence_first():
    mended = plain(EO, 0).fit(SCORES, LABELS, GROUPS)
    assert str(mended).splitlines()[0] == (
        "On the fitted examples the equal opportunity difference goes from 50.0 to 0.0 "
        "points (allowed are 0.0); accuracy goes from 87.5 % to 100.0 %."
    )
    assert "<table>" in mended._repr_html_()


def test_levelling_down_is_named():
    # Nobody of b can be found before its negatives: TPR 0 costs 1, TPR 1 costs 3.
    scores = [0.9, 0.1, 0.8, 0.7, 0.6, 0.55, 0.52]
    labels = [1, 0, 0, 0, 0, 0, 1]
    mended = plain(EO, 0).fit(scores, labels, list("aabbbbb"))
    # b: TPR 1 before. a keeps TPR 1 at no error, so b's TPR is 1 with 4 errors, or
    # both have TPR 0 with 2 errors.
    assert mended.outcome.levelled_down
    assert "Levelled down: the true positive rate of every group falls" in str(mended)
    np.testing.assert_array_equal(
        mended.predict(scores, list("aabbbbb")), np.zeros(7, int)
    )
    assert mended.outcome.trivial == ("a", "b")
    kept = plain(floor={"true_positive_rate": 1}).fit(scores, labels, list("aabbbbb"))
    assert not kept.outcome.levelled_down
    assert kept.outcome.groups[1].benefit == (1, 1)


def test_equal_scores_get_equal_decisions():
    scores = [0.6, 0.4, 0.4, 0.4, 0.7, 0.2]
    labels = [1, 1, 0, 0, 1, 0]
    groups = list("aaaabb")
    # a's TPR is 1/2 or 1, never between; 1 costs the two negatives at .4.
    mended = plain(EO, 0.4).fit(scores, labels, groups)
    # Both at 1: 2 errors; both at 0: 3.
    assert mended.outcome.groups[0].benefit == (0.5, 1.0)
    assert mended.outcome.gap == (0.5, 0.0)


def test_neighbours_in_floating_point_are_told_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    scores = np.array([high, low, 0.9, 0.1], np.float32)
    mended = plain(EO, 0).fit(scores, [1, 0, 1, 0], list("aabb"))
    np.testing.assert_array_equal(mended.predict(scores, list("aabb")), [1, 0, 1, 0])


def test_logits_and_two_columns():
    logits = np.array([[0.0, 2.0], [1.0, 0.5], [0.0, -3.0], [0, 1], [0, -1]])
    mended = plain(EO, 0, from_logits=True).fit(logits, [1, 1, 0, 1, 0], list("aaabb"))
    # Half way between -.5 and -3.
    assert mended.thresholds == {"a": -1.75, "b": 0.0}
    probabilities = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    same = plain(EO, 0).fit(
        np.stack([1 - probabilities, probabilities], 1), [1, 1, 0, 1, 0], list("aaabb")
    )
    np.testing.assert_array_equal(
        same.predict(probabilities, list("aaabb")),
        mended.predict(logits, list("aaabb")),
    )


def test_a_group_that_was_not_fitted_keeps_the_common_threshold():
    mended = plain(EO, 0).fit([*SCORES, 0.45], [*LABELS, 0], [*GROUPS, None])
    np.testing.assert_array_equal(
        mended.predict([0.45, 0.45, 0.45, 0.55], ["b", "new", None, "new"]),
        [1, 0, 0, 1],
    )


@st.composite
def examples(draw):
    size = draw(st.integers(4, 9))
    scores = draw(
        st.lists(
            st.sampled_from([0.1, 0.3, 0.5, 0.6, 0.8, 0.9]),
            min_size=size,
            max_size=size,
        )
    )
    labels = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    groups = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    weights = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    # Every group has both labels, so that every gap is defined.
    scores += [0.6, 0.3, 0.8, 0.5]
    return (
        np.array(scores),
        np.array([*labels, 1, 0, 1, 0]),
        np.array([*groups, 0, 0, 1, 1]),
        np.array([*weights, 1, 1, 1, 1], float),
    )


# Group 0 is right for one or two of three, group 1 for one or two of two.
UNEQUAL = (
    np.array([0.1, 0.6, 0.3, 0.8, 0.5]),
    np.array([1, 1, 0, 1, 0]),
    np.array([0, 0, 0, 1, 1]),
    np.ones(5),
)


@settings(max_examples=60, deadline=None)
@example(UNEQUAL, "accuracy_gap", 0)
@given(examples(), st.sampled_from(list(GAPS)), st.sampled_from([0, 0.1, 0.25, 0.5]))
def test_nothing_that_fulfils_the_constraint_has_less_error(drawn, name, at_most):
    scores, labels, groups, weights = drawn

    def measured(predicted):
        gap = GAPS[name](
            labels, predicted, sensitive_features=groups, sample_weight=weights
        )
        return gap, float(weights[predicted != labels].sum())

    cuts = [-1, *np.unique(scores)]
    every = [
        measured((scores > np.where(groups, t, s)).astype(int))
        for s, t in itertools.product(cuts, cuts)
    ]
    allowed = [pair for pair in every if pair[0] <= at_most + 1e-9]
    if not allowed:  # Only accuracies can be unequal for every choice.
        least = min(gap for gap, _ in every)
        with pytest.raises(ValueError, match=f"that can be held is {least:.3f}"):
            plain(name, at_most).fit(scores, labels, groups, sample_weight=weights)
        return
    mended = plain(name, at_most).fit(scores, labels, groups, sample_weight=weights)
    gap, error = measured(mended.predict(scores, groups))
    assert gap <= at_most + 1e-9
    assert error == min(e for _, e in allowed)
    # Of equal error, the smallest gap.
    assert gap == pytest.approx(min(g for g, e in allowed if e == error))
    frontier = mended.frontier()
    found = zip(frontier["gap"], frontier["accuracy"], strict=True)
    total = weights.sum()
    expected = {
        (round(g, 9), round(1 - e / total, 9))
        for g, e in every
        if not any(
            (h <= g + 1e-9 and f < e) or (h < g - 1e-9 and f <= e) for h, f in every
        )
    }
    assert {(round(g, 9), round(a, 9)) for g, a in found} == expected


def test_weight_is_repetition_and_weight_0_absence():
    weights = [1, 2, 3, 1, 1, 2, 0, 1]
    weighted = plain(EO, 0.1).fit(SCORES, LABELS, GROUPS, sample_weight=weights)
    repeated = plain(EO, 0.1).fit(
        *(np.repeat(column, weights) for column in (SCORES, LABELS, GROUPS))
    )
    assert weighted.thresholds == repeated.thresholds
    assert weighted.outcome.accuracy == repeated.outcome.accuracy


def test_the_order_of_the_examples_changes_nothing():
    rng = np.random.default_rng(0)
    scores, labels = rng.random(300).round(2), rng.integers(0, 2, 300)
    groups = rng.integers(0, 3, 300)
    order = rng.permutation(300)
    one = plain(EO, 0.05).fit(scores, labels, groups)
    other = plain(EO, 0.05).fit(scores[order], labels[order], groups[order])
    assert one.describe() == other.describe()


def test_small_groups_share_a_threshold():
    scores = [*SCORES, 0.9, 0.2, 0.3, 0.2]
    labels = [*LABELS, 1, 0, 1, 0]
    groups = [*GROUPS, *"ccdd"]
    mended = GroupThresholds(EO, 0, margin=0, min_examples=2).fit(
        scores, labels, groups
    )
    # c and d have one positive each; together the cut between .3 and .2 has no error.
    assert mended.outcome.shared == ("c", "d")
    assert mended.thresholds["c"] == mended.thresholds["d"] == pytest.approx(0.25)
    assert "c, d share a threshold" in str(mended)
    alone = GroupThresholds(EO, 0, margin=0, min_examples=2).fit(
        scores[:10], labels[:10], groups[:10]
    )
    assert alone.outcome.unchanged == ("c",)
    assert alone.thresholds["c"] == 0.5


def equal_groups(positives, others=2000):
    """Two groups with TPR .64; group "small" has so many positives."""
    found = []
    for name, n in (("large", others), ("small", positives)):
        found += [(0.9, 1, name)] * round(0.64 * n)
        found += [(0.4 + 0.00001 * i, 1, name) for i in range(n - round(0.64 * n))]
        found += [(0.2, 0, name)] * n
    return [list(column) for column in zip(*found, strict=True)]


def test_too_few_positives_are_refused_with_their_number():
    # TPR (64 + 1280 + 2) / (2100 + 4) = .6397, and 1.645^2 x .6397 x .3603 / .05^2 =
    # 249.5; as the large group's is not exact either, 249.5 / (1 - 249.5 / 2000).
    with pytest.raises(ValueError, match="group small") as error:
        GroupThresholds(EO, 0.05, margin=1.645, min_examples=10).fit(*equal_groups(100))
    message = str(error.value)
    assert message.startswith(
        "group small has 100 positives in validation, about 286 are needed for 0.05"
    )
    assert "\n" not in message
    GroupThresholds(EO, 0.05, margin=1.645, min_examples=10).fit(*equal_groups(286))


def test_what_is_kept_free_is_standard_errors_of_the_difference():
    mended = GroupThresholds(EO, 0.1, margin=1).fit(*equal_groups(500))
    rate = (0.64 * 2500 + 2) / 2504
    expected = np.sqrt(rate * (1 - rate) * (1 / 2000 + 1 / 500))
    assert mended.outcome.kept_free == pytest.approx(expected)
    assert mended.outcome.gap[1] <= 0.1 - expected


def test_a_floor_holds_for_the_lower_end_of_the_interval():
    # To find a positive costs three negatives, so no more are found than must be.
    scores = np.repeat(np.arange(400) / 800, 4)
    labels, groups = np.tile([1, 0, 0, 0], 400), np.repeat(["b", "a"], 800)
    groups[:4] = "a"
    mended = GroupThresholds(floor={"true_positive_rate": 0.7}, margin=1.96)
    for change in mended.fit(scores, labels, groups).outcome.groups:
        n = change.counted
        found = round(change.benefit[1] * n)
        ends, _ = fairness.wilson([found, found - 1], [n, n], level=0.95)
        assert ends[0] >= 0.7 > ends[1]


def test_a_floor_that_cannot_be_held_names_what_can():
    with pytest.raises(ValueError, match=r"held for group b: 0\.750 is the best"):
        plain(floor={"accuracy": 0.8}).fit(
            [0.9, 0.1, 0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0, 1, 1], list("aabbbb")
        )
    # Wilson's lower end at 10 of 10 is 10 / (10 + z^2); .9 needs 9 z^2 = 24.4.
    scores, labels = [0.9] * 20 + [0.1] * 20, [1] * 20 + [0] * 20
    with pytest.raises(ValueError, match="has 10 positives in validation, about 25"):
        GroupThresholds(
            floor={"true_positive_rate": 0.9}, margin=1.645, min_examples=1
        ).fit(scores, labels, list("ab") * 20)


def test_a_floor_that_is_missed_by_rounding_is_reached():
    examples = ([0.9, 0.1, 0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0, 1, 1], list("aabbbb"))
    least = 0.75 + 1e-12
    assert least - 1e-12 == 0.75
    mended = plain(floor={"accuracy": least}).fit(*examples)
    assert mended.outcome.groups[1].accuracy[1] == 0.75
    with pytest.raises(ValueError, match="held for group b"):
        plain(floor={"accuracy": 0.75 + 2e-12}).fit(*examples)


def test_floors_that_exclude_each_other():
    floor = {"true_positive_rate": 1, "true_negative_rate": 1}
    with pytest.raises(ValueError, match="group a: no threshold reaches all of"):
        plain(floor=floor).fit([0.1, 0.9, 0.9, 0.1], [1, 0, 1, 0], list("aabb"))


def test_an_unreachable_gap_names_the_smallest_one():
    # TPR at least 1/2 in both: of a it is 1/2 or 1, of b 2/3 or 1, where FPR is 1.
    scores = [0.9, 0.2, 0.3, 0.9, 0.8, 0.2, 0.3]
    labels = [1, 1, 0, 1, 1, 1, 0]
    options = {"floor": {"true_positive_rate": 0.5, "true_negative_rate": 1}}
    with pytest.raises(ValueError, match=r"smallest gap that can be held is 0\.167\."):
        plain(EO, 0.1, **options).fit(scores, labels, list("aaabbbb"))
    plain(EO, 0.167, **options).fit(scores, labels, list("aaabbbb"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`gap` or `floor` is needed"),
        ({"gap": EO}, "`gap` and `at_most` belong together"),
        ({"gap": EO, "at_most": -0.1}, r"`at_most` must lie in \[0, 1\].*-0.1"),
        ({"gap": "eo", "at_most": 0.1}, "`gap` must be one of .*Received: 'eo'"),
        ({"gap": "worst_group_accuracy", "at_most": 0.1}, 'floor={"accuracy": 0.8}'),
        ({"floor": {"precision": 0.5}}, "`floor` must name .*Received: 'precision'"),
        ({"floor": {"accuracy": 1.5}}, "`floor\\['accuracy'\\]` must lie"),
        ({"gap": EO, "at_most": 0.1, "margin": -1}, "`margin` must .*Received: -1"),
        ({"gap": EO, "at_most": 0.1, "min_examples": 0}, "`min_examples` .*: 0"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message) as error:
        GroupThresholds(**options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [2.0] * 8}, "from_logits=True"),
        ({"scores": [np.nan] * 8}, "`scores` must be finite"),
        ({"scores": np.zeros((8, 3))}, "use GroupOffsets"),
        ({"scores": ["a"] * 8}, "`scores` must be numbers"),
        ({"labels": [2] * 8}, "`labels` must be 0 or 1. Received: .*2"),
        ({"labels": [1] * 7}, "`labels` must have one value for each of the 8"),
        ({"groups": ["a"] * 7}, "`groups` must have one value for each of the 8"),
        ({"groups": ["a"] * 8}, "at least 2 groups .*Received: {'a': 4}"),
        ({"groups": [None] * 8}, "at least 2 groups .*Received: {}"),
        ({"sample_weight": [-1] * 8}, "`sample_weight` must be finite"),
    ],
)
def test_bad_examples(change, message):
    given_examples = {"scores": SCORES, "labels": LABELS, "groups": GROUPS, **change}
    with pytest.raises(ValueError, match=message) as error:
        plain(EO, 0).fit(**given_examples)
    assert "\n" not in str(error.value)


def test_minus_one_is_unknown_when_served_and_refused_when_fitted():
    index = np.array([0 if group == "a" else 1 for group in GROUPS])
    mended = plain(EO, 0).fit(SCORES, LABELS, index)
    # .4 is between b's threshold, .35, and that of all others, .5.
    assert mended.predict([0.4] * 4, [0, 1, -1, 2]).tolist() == [0, 1, 0, 0]
    index[0] = -1
    for groups, inferred in ((index, None), (GROUPS, index)):
        with pytest.raises(ValueError, match="the group -1 beside those from 0 on"):
            plain(EO, 0).fit(SCORES, LABELS, groups, inferred=inferred)
    plain(EO, 0).fit(SCORES, LABELS, index, sample_weight=[0, *[1] * 7])


def test_a_probability_moves_the_logits_by_its_own():
    # b's threshold is .35, and that of all others .5, whose logit is 0.
    mended = plain(EO, 0).fit(SCORES, LABELS, GROUPS)
    moved = mended.move([[0.0, 1.0]] * 3, [0, 1, -1], ["b", "a"])
    difference = 1 - np.log(0.35 / 0.65)
    np.testing.assert_allclose(moved, [[0, difference], [0, 1], [0, 1]], rtol=1e-6)


def test_predict_before_fit():
    with pytest.raises(ValueError, match=r"Call fit\(\) first"):
        plain(EO, 0).predict([0.5], ["a"])


def test_the_description_is_json_and_says_that_the_group_is_read():
    described = plain(EO, 0).fit(SCORES, LABELS, GROUPS).describe()
    assert json.loads(json.dumps(described, allow_nan=False)) == json.loads(
        json.dumps(described)
    )
    assert described["reads_group"] is True
    floors = plain(floor={"accuracy": 0.5}).fit(SCORES, LABELS, GROUPS).describe()
    json.dumps(floors, allow_nan=False)
    assert floors["gap"] == [None, None]
    assert described["thresholds"] == {"a": 0.5, "b": pytest.approx(0.35)}


def test_what_is_not_given_has_its_documented_value():
    mended = GroupThresholds(EO, 0.1)
    assert (mended.constraint.margin, mended.min_examples) == (2, 50)
    assert (mended.from_logits, mended.common_threshold) == (False, 0.5)
    assert GroupThresholds(EO, 0.1, from_logits=True).common_threshold == 0
    assert str(mended) == repr(mended)


def test_a_score_of_exactly_the_threshold_is_class_0():
    # At .5 one positive of b is missed.
    scores = [0.9, 0.1, 0.5, 0.8, 0.1, 0.2]
    mended = plain(EO, 1).fit(scores, [1, 0, 1, 1, 0, 0], list("aabbbb"))
    assert mended.outcome.accuracy == pytest.approx((5 / 6, 1))
    assert mended.outcome.groups[1].selected == (1, 2)
    assert mended.thresholds["b"] == pytest.approx(0.35)
    np.testing.assert_array_equal(
        mended.predict([0.5, 0.5, mended.thresholds["b"]], ["a", "new", "b"]), [0, 0, 0]
    )
    assert mended.predict([], []).shape == (0,)


def test_what_is_kept_free_is_the_larger_one_of_two_rates():
    groups = equal_groups(500)
    mended = GroupThresholds("equalized_odds_difference", 0.1, margin=1).fit(*groups)
    # FPR 0 of 2500; that of the TPR is larger.
    rate = (0.64 * 2500 + 2) / 2504
    expected = np.sqrt(rate * (1 - rate) * (1 / 2000 + 1 / 500))
    assert mended.outcome.kept_free == pytest.approx(expected)
    assert "of which 2.4 are kept for chance" in str(mended)
    # Nothing of a gap of 0, nor of floors.
    assert plain(EO, 0).fit(SCORES, LABELS, GROUPS).outcome.kept_free == 0
    floors = GroupThresholds(floor={"accuracy": 0.1}, margin=1, min_examples=1)
    assert floors.fit(SCORES, LABELS, GROUPS).outcome.kept_free == 0


def test_thresholds_for_everybody_or_nobody_are_infinite_offsets():
    # All of a are positive, and none of b.
    mended = plain(floor={"accuracy": 0}).fit(
        [0.4, 0.6, 0.4, 0.6], [1, 1, 0, 0], list("aabb")
    )
    assert mended.thresholds == {"a": -np.inf, "b": np.inf}
    moved = mended.move([[0.0, 1.0]] * 2, [0, 1], ["a", "b"])
    np.testing.assert_array_equal(moved, np.array([[0, 1e9], [0, -1e9]], "float32"))
    described = mended.describe()
    assert described["thresholds"] == {"a": "-inf", "b": "inf"}
    assert described["common_threshold"] == 0.5
    assert described["from_logits"] is False
    with pytest.raises(ValueError, match=r"needs `gap`, and known groups.*gap=None"):
        mended.frontier()
