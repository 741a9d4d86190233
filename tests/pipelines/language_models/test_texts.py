"""Texts by whom they are about, and pairs of sentences."""

import pytest

from pipelines.language_models import texts


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("She said it to herself.", "women"),
        ("The hero and his horse", "men"),  # "he" in a word is nobody.
        ("HE saw her", "both"),
        ("They theorize", "neither"),
    ],
)
def test_whom_a_paragraph_is_about(text, who):
    assert texts.about(text) == who


def test_headings_are_no_paragraphs():
    long = " ".join(["word"] * 21)
    assert texts.paragraphs(f"= Title =\n{long}\n{long[5:]}") == [long]


def test_crows_pairs_as_published(tmp_path):
    (tmp_path / "crows.csv").write_text(
        "n,sent_more,sent_less,stereo_antistereo,bias_type\n"
        "0,a is bad,b is bad,stereo,age\n1,c,d,antistereo,religion\n"
    )
    found = texts.pairs(str(tmp_path), "crows.csv")
    assert found.to_dict("records") == [
        {"stereotype": "a is bad", "other": "b is bad", "type": "age",
         "set": "CrowS-Pairs"},
        {"stereotype": "c", "other": "d", "type": "religion", "set": "CrowS-Pairs"},
    ]  # fmt: skip


def test_wino_bias_without_numbers_and_brackets(tmp_path):
    folder = tmp_path / "wino"
    folder.mkdir()
    for kind in ("type1", "type2"):
        for side, pronoun in (("pro", "she"), ("anti", "he")):
            name = f"{side}_stereotyped_{kind}.txt.test"
            (folder / name).write_text(f"1 [The nurse] {kind} [{pronoun}]\n")
    found = texts.pairs(str(tmp_path), "wino")
    assert found.to_dict("records") == [
        {"stereotype": f"The nurse {kind} she", "other": f"The nurse {kind} he",
         "type": kind, "set": "WinoBias"}
        for kind in ("type1", "type2")
    ]  # fmt: skip


def test_pairs_of_ones_own(tmp_path):
    (tmp_path / "mine.csv").write_text("type,other,more,stereotype\nx,None,1,2\n")
    found = texts.pairs(str(tmp_path), "mine.csv")
    # "None" is a word.
    assert found.to_dict("records") == [
        {"stereotype": "2", "other": "None", "type": "x", "set": "mine"}
    ]


@pytest.mark.parametrize("text", ["stereotype,other\na,b\n", "stereotype,other,type\n"])
def test_other_tables_are_refused(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(ValueError, match=r"mine.csv must have pairs in the columns"):
        texts.pairs(str(tmp_path), "mine.csv")
    (tmp_path / "mine.csv").write_text("stereotype,other,type\nnone,nan,age\na,,age\n")
    with pytest.raises(ValueError, match=r"must have two sentences .* in line 3"):
        texts.pairs(str(tmp_path), "mine.csv")
    with pytest.raises(ValueError, match=r"other.csv is not there: see config.data"):
        texts.pairs(str(tmp_path), "other.csv")
