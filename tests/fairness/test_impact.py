"""Impact ratios of groups, against published and hand-made numbers."""

import warnings

import numpy as np
import pytest

from kd_keras.fairness import GroupCounts, impact_ratios
from kd_keras.fairness.contrasts import ratio, sidak
from kd_keras.fairness.impact import FOUR_FIFTHS, LEAST_SHARE
from kd_keras.fairness.proportions import Proportion, deviations


def counts_of(selected, groups=None, weight=None):
    """Group -> (selected, examples); `groups` gives the attribute's values of each."""
    rows = [
        (group, int(i < chosen))
        for group, (chosen, examples) in selected.items()
        for i in range(examples)
    ]
    names, predicted = zip(*rows, strict=True)
    columns = groups or {"g": dict(zip(selected, selected, strict=True))}
    return GroupCounts.from_predictions(
        np.zeros(len(rows), int),
        predicted,
        groups={a: [values[name] for name in names] for a, values in columns.items()},
        sample_weight=None if weight is None else [weight[name] for name in names],
        num_classes=2,
    )


def by_group(found):
    return {one.group: one for one in found.groups}


def test_the_published_example_of_the_uniform_guidelines():
    # Questions and answers on 29 CFR 1607, no. 11 (44 FR 11996, 1979): rates of 60,
    # 45, 48 and 51 % have the ratios 75, 80 and 85 % to the highest.
    found = impact_ratios(
        counts_of(
            {
                "White": (60, 100),
                "American Indian": (45, 100),
                "Hispanic": (48, 100),
                "Black": (51, 100),
            }
        )
    )
    ratios = {one.group: one.impact_ratio.value for one in found.groups}
    assert ratios == pytest.approx(
        {"White": 1.0, "American Indian": 0.75, "Hispanic": 0.8, "Black": 0.85}
    )
    assert found.highest == "White"
    assert ratios["Hispanic"] == pytest.approx(FOUR_FIFTHS)


def test_crossed_groups_and_unknown_ones():
    values = {
        "sex": {"a": "F", "b": "F", "c": "M", "d": None, "e": "M"},
        "race": {"a": "x", "b": "y", "c": "x", "d": "y", "e": None},
    }
    counts = counts_of(
        {"a": (2, 20), "b": (8, 20), "c": (16, 20), "d": (1, 3), "e": (4, 4)}, values
    )
    found = impact_ratios(counts, ("sex", "race"))
    ratios = {one.group: one.impact_ratio.value for one in found.groups}
    assert ratios == pytest.approx({("F", "x"): 1 / 8, ("F", "y"): 0.5, ("M", "x"): 1})
    # Whoever has no group in one of the two.
    assert (found.unknown, found.examples) == (7, 67)
    sexes = impact_ratios(counts, "sex")
    assert sexes.unknown == 3
    men = by_group(sexes)["M"]
    assert (men.selected, men.examples) == (20, 24)
    assert men.share == pytest.approx(24 / 67)
    assert by_group(sexes)["F"].impact_ratio.value == pytest.approx(
        (10 / 40) / (20 / 24)
    )


def test_groups_below_the_share_are_counted_and_not_compared():
    # 2 of 200 are 1 %, 4 of 200 are 2 %: "less than 2 %" leaves out the first alone.
    counts = counts_of({"a": (2, 2), "b": (4, 4), "c": (97, 194)})
    found = impact_ratios(counts, min_share=LEAST_SHARE)
    tiny = by_group(found)["a"]
    assert (tiny.compared, tiny.selected, tiny.examples) == (False, 2, 2)
    assert tiny.selection_rate.value == 1.0
    assert np.isnan(tiny.impact_ratio.value)
    assert tiny.impact_ratio.reason == "the group is not compared"
    assert by_group(found)["b"].compared
    assert found.highest == "b"
    assert by_group(found)["c"].impact_ratio.value == pytest.approx(0.5)
    # It has no part in the highest rate either.
    alone = impact_ratios(counts, min_share=0.5)
    assert alone.highest == "c"
    reasons = {one.impact_ratio.reason for one in alone.groups}
    assert reasons == {"it needs two groups that are compared"}


def test_a_group_that_is_not_compared_changes_no_interval():
    sizes = {"b": (40, 100), "c": (97, 194), "d": (30, 90)}
    with_it = by_group(impact_ratios(counts_of({"a": (2, 2), **sizes}), min_share=0.02))
    without = by_group(impact_ratios(counts_of(sizes)))
    for group in sizes:
        assert with_it[group].impact_ratio == without[group].impact_ratio


def test_nor_that_of_a_parity_ratio():
    sizes = {"b": (40, 100), "c": (97, 194)}
    name = "demographic_parity_ratio"
    with_it = counts_of({"a": (2, 2), **sizes}).gap_interval(name, min_examples=10)
    assert with_it == counts_of(sizes).gap_interval(name, min_examples=10)
    assert with_it.low > 0


def test_the_interval_is_that_of_a_risk_ratio_where_groups_are_large():
    # Katz et al. 1978 (Biometrics 34): log ratio +- z * sqrt(1/a - 1/n + 1/b - 1/m).
    found = impact_ratios(counts_of({"a": (600, 2000), "b": (1000, 2000)}), level=0.9)
    interval = by_group(found)["a"].impact_ratio
    half = 1.6448536 * np.sqrt(1 / 600 - 1 / 2000 + 1 / 1000 - 1 / 2000)
    assert interval.value == pytest.approx(0.6)
    assert interval.low == pytest.approx(0.6 * np.exp(-half), rel=0.01)
    assert interval.high == pytest.approx(0.6 * np.exp(half), rel=0.01)


def test_the_most_selected_group_may_not_be_it():
    found = by_group(impact_ratios(counts_of({"a": (10, 20), "b": (100, 210)})))
    # Rates .5 and .476: either may be the higher one.
    assert found["a"].impact_ratio.value == 1.0
    assert found["a"].impact_ratio.low < 0.8
    assert found["b"].impact_ratio.high == 1.0
    sure = by_group(impact_ratios(counts_of({"a": (180, 200), "b": (20, 200)})))
    assert sure["a"].impact_ratio.low == sure["a"].impact_ratio.high == 1.0


@pytest.mark.parametrize(
    ("rates", "sizes"),
    [((0.5, 0.5, 0.45, 0.3), (30, 200, 60, 15)), ((0.2, 0.2), (25, 25))],
)
def test_intervals_hold_the_truth(rates, sizes):
    rng = np.random.default_rng(3)
    truth = np.array(rates) / max(rates)
    held = np.zeros(len(rates))
    for _ in range(200):
        drawn = zip(rng.binomial(sizes, rates).tolist(), sizes, strict=True)
        found = impact_ratios(counts_of(dict(enumerate(drawn))))
        for i, one in enumerate(found.groups):
            held[i] += one.impact_ratio.low <= truth[i] <= one.impact_ratio.high
    # Nominal .95; the standard error of 200 samples is .015.
    assert (held / 200 >= 0.92).all(), held / 200


def test_weights_count_in_rates_and_not_in_numbers_of_people():
    counts = counts_of({"a": (1, 2), "b": (2, 2)}, weight={"a": 5.0, "b": 1.0})
    found = by_group(impact_ratios(counts, min_share=0.3))
    assert found["b"].share == 0.5
    assert found["a"].impact_ratio.value == pytest.approx(0.5)


def test_nobody_is_selected():
    found = impact_ratios(counts_of({"a": (0, 20), "b": (0, 30)}))
    assert {one.impact_ratio.reason for one in found.groups} == {"no one is selected"}


def test_all_of_one_group_alone_are_selected():
    found = by_group(impact_ratios(counts_of({"a": (20, 20), "b": (0, 30)})))
    assert found["b"].impact_ratio.value == found["b"].impact_ratio.low == 0.0
    # Of 0 of 30 the upper end is about 3.7/30 at .95: "the rule of three".
    assert 0.05 < found["b"].impact_ratio.high < 0.2
    assert found["a"].impact_ratio.value == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_share": 1.0}, "`min_share` must lie in"),
        ({"min_share": float("nan")}, "`min_share` must lie in"),
        ({"level": 1.0}, "`level` must lie between"),
    ],
)
def test_what_is_no_option(options, message):
    with pytest.raises(ValueError, match=message):
        impact_ratios(counts_of({"a": (1, 2), "b": (1, 2)}), **options)


def test_it_needs_two_classes():
    counts = GroupCounts.from_predictions(
        [0, 1, 2], [0, 1, 2], groups={"g": ["a", "b", "a"]}
    )
    with pytest.raises(ValueError, match="needs a positive class"):
        impact_ratios(counts)


def test_in_a_notebook_it_is_a_table_with_escaped_names():
    html = impact_ratios(counts_of({"<b>": (1, 2), "c": (2, 2)}))._repr_html_()
    assert "<b>" not in html.replace("<b>impact", "")
    assert "1 of 2" in html


@pytest.mark.parametrize("min_share", [0.0, 0.5])
def test_a_group_of_one_example_is_compared(min_share):
    found = by_group(
        impact_ratios(counts_of({"a": (1, 1), "b": (0, 1)}), min_share=min_share)
    )
    assert found["a"].share == found["b"].share == 0.5
    assert found["a"].compared
    assert found["a"].impact_ratio.value == 1
    assert found["b"].impact_ratio.value == 0


def test_one_example_is_all_of_the_examples():
    (only,) = impact_ratios(counts_of({"a": (1, 1)})).groups
    assert (only.share, only.compared) == (1, True)
    assert only.impact_ratio.reason == "it needs two groups that are compared"


def test_where_no_group_is_compared_none_is_highest():
    found = impact_ratios(counts_of({"a": (1, 2), "b": (2, 2)}), min_share=0.75)
    assert found.highest is None
    assert not any(one.compared for one in found.groups)
    assert found.examples == 4


def test_nobody_has_no_ratios():
    with warnings.catch_warnings(action="error"):
        found = impact_ratios(GroupCounts.from_predictions([], [], groups={"g": []}))
    assert (found.groups, found.examples, found.unknown) == ((), 0, 0)
    assert found.highest is None


def test_two_groups_are_enough_to_compare():
    found = by_group(impact_ratios(counts_of({"a": (30, 40), "b": (30, 60)})))
    assert found["b"].impact_ratio.value == pytest.approx((30 / 60) / (30 / 40))


def test_nothing_warns_where_only_one_group_is_selected():
    with warnings.catch_warnings(action="error"):
        impact_ratios(counts_of({"a": (20, 20), "b": (0, 30), "c": (0, 5)}))


def test_an_interval_allows_for_either_other_group_to_be_the_highest():
    # b's ratio to a is 5/8, and that to c, of whom six are known, may be less.
    sizes = {"a": (160, 200), "b": (100, 200), "c": (2, 6)}
    found = by_group(impact_ratios(counts_of(sizes)))["b"].impact_ratio
    rates = Proportion(np.array([0.8, 0.5, 1 / 3]), np.array([200.0, 200, 6]))

    def ends(j, z):
        (low, high, low_j, high_j) = (
            x[g] for g in (1, j) for x in deviations(rates, np.array(z))
        )
        return ratio(rates.rate[1], rates.rate[j], low, high, low_j, high_j)

    assert found.value == pytest.approx(5 / 8)
    assert found.low == pytest.approx(min(ends(j, sidak(0.05, 1)).low for j in (0, 2)))
    # The upper end holds for both.
    assert found.high == pytest.approx(ends(0, sidak(0.05, 2)).high)
    alone = by_group(impact_ratios(counts_of({k: sizes[k] for k in "ab"})))["b"]
    assert alone.impact_ratio.high == pytest.approx(ends(0, sidak(0.05, 1)).high)
    assert alone.impact_ratio.high < found.high < 1
