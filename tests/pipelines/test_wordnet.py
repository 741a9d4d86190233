"""Synonyms of a made-up WordNet of six synsets, by hand."""

import nltk.data
import pytest
import tensorflow as tf

from kd_keras.datasets import DatasetSpec
from pipelines.studies import corruption_options, wordnet

POSTS = DatasetSpec(
    "posts", {"text": tf.TensorSpec((), tf.string)}, "y", ("a", "b"), {}
)

# Part of speech -> synsets: their words, and how often texts have each in this sense.
SYNSETS: dict[str, list[dict[str, int]]] = {
    "noun": [
        {"car": 9, "auto": 1, "motor_car": 0},
        {"car": 2, "gondola": 1},
        {"in": 6, "inch": 1},
    ],
    "verb": [],
    "adj": [
        {"big": 1, "pregnant": 1},
        {"big": 5, "large": 4, "X-L": 0},
        {"rare": 0, "scarce": 0},
    ],
    "adv": [],
}
LETTER = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
TYPE = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
# A file of each lexicographer; the readers want 45 of them.
LEXNAMES = "".join(f"{i:02d}\tof.{i}\t1\n" for i in range(45))


def write(folder):
    """The files of WordNet 3.0 (wndb(5WN), senseidx(5WN)), as NLTK reads them."""
    counts, keys = [], []
    for part, synsets in SYNSETS.items():
        data = "  1 WordNet 3.0 Copyright\n"
        places: dict[str, list[int]] = {}
        for i, counted in enumerate(synsets):
            offset = len(data)
            words = " ".join(f"{word} {i}" for word in counted)
            data += (
                f"{offset:08d} 00 {LETTER[part]} {len(counted):02x} {words} 000 | \n"
            )
            for word, count in counted.items():
                found = places.setdefault(word.lower(), [])
                found.append(offset)
                key = f"{word.lower()}%{TYPE[part]}:00:{i:02d}::"
                keys.append(f"{key} {offset:08d} {len(found)} {count}")
                counts += [f"{key} {len(found)} {count}"] if count else []
        (folder / f"data.{part}").write_text(data)
        index = "".join(
            f"{word} {LETTER[part]} {len(found)} 0 {len(found)} 0 "
            f"{' '.join(f'{offset:08d}' for offset in found)}\n"
            for word, found in sorted(places.items())
        )
        (folder / f"index.{part}").write_text(f"  1 WordNet 3.0\n{index}")
        (folder / f"{part}.exc").write_text("")
    (folder / "cntlist.rev").write_text("\n".join(sorted(counts)) + "\n")
    (folder / "index.sense").write_text("\n".join(sorted(keys)) + "\n")
    (folder / "lexnames").write_text(LEXNAMES)


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    folder = tmp_path / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    write(folder)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    wordnet.synonyms.cache_clear()
    yield wordnet.synonyms()
    wordnet.synonyms.cache_clear()


def test_synonyms_are_those_of_the_most_frequent_sense(made_up):
    assert made_up("car") == ("auto",)  # A motor_car is two words.
    assert made_up("big") == ("large",)  # X-L is not of letters; pregnant is rarer.
    assert made_up("large") == ("big",)


@pytest.mark.parametrize("word", ["in", "rare", "cars", "unheard"])
def test_words_that_stay(made_up, word):
    """Two letters, a sense that no text has, no entry."""
    assert made_up(word) == ()


def test_wordnet_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    wordnet.synonyms.cache_clear()
    config = {"evaluation": {"split": "test", "corruptions": ("synonyms",)}}
    message = (
        r"--config\.evaluation\.corruptions: .* Run python -m nltk\.downloader "
        "wordnet, or set NLTK_DATA to"
    )
    corruption_options.validate(config)  # Reading a study needs no WordNet.
    with pytest.raises(ValueError, match=message):
        corruption_options.require(config, POSTS)


def test_princetons_wordnet():
    """What WordNet 3.0 says of some words, read off its files."""
    wordnet.synonyms.cache_clear()
    try:
        of = wordnet.synonyms()
    except ValueError as error:
        pytest.skip(str(error))
    assert of("buy") == ("purchase",)
    assert of("big") == ("large",)
    assert of("a") == of("in") == of("who") == of("dogs") == ()
