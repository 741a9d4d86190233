"""What models prefer, by hand, and beside each other."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from pipelines.language_models import tables
from pipelines.language_models.measured import HARD, TEACHER, UNIGRAM, Measured

# Ten pairs of one set, two of another.
PAIRS = pd.DataFrame(
    {
        "set": ["S"] * 10 + ["Other"] * 2,
        "type": ["age"] * 4 + ["race"] * 6 + ["age", "age"],
    }
)


def model(name, preferred, seed=0, perplexity=50.0):
    """Prefers the stereotype of so many of S, from the first on, and of one other."""
    margins = [1.0 if i < preferred else -0.5 for i in range(10)] + [2.0, -2.0]
    return Measured(name, seed, 100, {"all": perplexity, "women": 7.0}, margins)


FOUND = [
    model(UNIGRAM, 5, perplexity=900.0),
    model(TEACHER, 9),
    model(HARD, 2, 0),
    model(HARD, 4, 1),
    model("KL, T=2", 5, 0),
    model("KL, T=2", 5, 1),
    model("KL, T=2", 5, 2),  # Without a student of hard labels beside it.
]


def test_what_is_preferred_beside_the_teacher():
    table = tables.preferences("p", "", FOUND, PAIRS)
    rows = {(r["model"], r["seed"], r["pairs"]): r for r in table.rows}
    assert len(rows) == 14
    hard = rows[HARD, 0, "S"]
    assert (hard["number"], hard["share"], hard["perplexity"]) == (10, 0.2, 50.0)
    # Seven of ten change, all from the stereotype; two and one are as they were.
    assert hard["difference"] == pytest.approx(0.2 - 0.9)
    assert hard["agreement"] == pytest.approx(0.3)
    assert hard["p_value"] == pytest.approx(scipy.stats.binomtest(0, 7).pvalue)
    assert hard["margin"] == pytest.approx(7 * -1.5 / 10)
    low, high = scipy.stats.binomtest(2, 10).proportion_ci(method="wilson")
    assert (hard["share_low"], hard["share_high"]) == pytest.approx((low, high))
    other = rows[HARD, 0, "Other"]
    assert (other["number"], other["share"], other["agreement"]) == (2, 0.5, 1.0)
    # Of ten rows of students that of hard labels, seed 0, has the smallest p-value.
    assert hard["p_holm"] == pytest.approx(10 * hard["p_value"])
    assert "p_value" not in rows[TEACHER, 0, "S"]
    assert "p_holm" not in rows[UNIGRAM, 0, "S"]
    assert rows[UNIGRAM, 0, "S"]["difference"] == pytest.approx(-0.4)


def test_types_are_of_their_set_and_means_over_the_seeds():
    rows = tables.by_type(FOUND, PAIRS).rows
    hard = {(r["pairs"], r["type"]): (r["number"], r["share"]) for r in rows
            if r["model"] == HARD}  # fmt: skip
    # Of age 2 and 4 of four; of race none.
    assert hard == {
        ("S", "age"): (4, 0.75),
        ("S", "race"): (6, 0.0),
        ("Other", "age"): (2, 0.5),
    }


def test_students_of_the_teacher_against_hard_labels_within_seeds():
    of_s, of_other = tables.against_hard_labels(FOUND, PAIRS)
    assert (of_s.model, of_s.pairs, of_s.seeds) == ("KL, T=2", "S", 2)
    # .5 - .2 and .5 - .4: mean .2, standard error .1, Student's t of one degree 12.706.
    assert of_s.difference == pytest.approx(0.2)
    assert of_s.low == pytest.approx(0.2 - 12.706 * 0.1, abs=1e-4)
    assert of_s.high == pytest.approx(0.2 + 12.706 * 0.1, abs=1e-4)
    assert (of_other.pairs, of_other.difference) == ("Other", 0.0)
    (row, _) = tables.against_table([of_s, of_other]).rows
    assert (row["change"], row["lower"], row["seeds"]) == (
        *(of_s.difference, of_s.low),
        2,
    )
    assert tables.against_hard_labels(FOUND[:2] + FOUND[4:], PAIRS) == []


def test_perplexities_of_slices_that_were_measured():
    found = [model(HARD, 1), Measured(HARD, 0, 50, {"all": 80.0})]
    table = tables.perplexities(found)
    assert [c.name for c in table.columns] == [
        *("model", "seed", "tokens"),
        *("perplexity_all", "perplexity_women"),
    ]
    assert table.rows[1]["perplexity_all"] == 80.0
    assert np.isnan(table.rows[1].get("perplexity_women", np.nan))
