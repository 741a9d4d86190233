"""The tables of the HateXplain study, of four posts and three cases by hand."""

import pandas as pd
import pytest

from benchmarks import hate_tables


def test_posts():
    posts = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "text": ["w", "x", "y", "z"],
            "split": ["train", "val", "test", None],
            "label": ["offensive", "normal", "hatespeech", "undecided"],
            "targets_longest": [["Arab"], [], ["Men"], []],
            # The two annotators' word, where it is known.
            "targets_majority": [None, ["Women", "Men"], ["African", "Asian"], None],
        }
    )
    found = hate_tables.hatexplain(posts)
    assert found.astype(object).where(found.notna(), None).to_dict("list") == {
        "text": ["w", "x", "y"],
        "label": ["toxic", "normal", "toxic"],
        "race": ["other", "none", "African"],
        "gender": ["none", "Women", "none"],
        "id": ["a", "b", "c"],
        "split": ["train", "test", "test"],
    }


@pytest.mark.parametrize(
    ("communities", "gender"), [([], "none"), (["Men"], None), (["Women"], "Women")]
)
def test_posts_about_men_alone_have_no_group(communities, gender):
    assert hate_tables.gender(communities) == gender


def test_cases_about_nobody_are_left_out():
    cases = pd.DataFrame(
        {
            "case_id": [7, 8, 9],
            "test_case": ["p", "q", "r"],
            "label_gold": ["hateful", "non-hateful", "non-hateful"],
            "target_ident": ["women", None, "Muslims"],
        }
    )
    assert hate_tables.hatecheck(cases).to_dict("list") == {
        "text": ["p", "r"],
        "label": ["toxic", "normal"],
        "target": ["women", "Muslims"],
        "id": [7, 9],
    }
