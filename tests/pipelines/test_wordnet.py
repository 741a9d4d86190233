"""Synonyms of a made-up WordNet of fifteen synsets, by hand."""

import nltk.data
import pytest
import tensorflow as tf

from kd_keras.datasets import DatasetSpec
from pipelines.studies import corruption_options, wordnet

POSTS = DatasetSpec(
    "posts", {"text": tf.TensorSpec((), tf.string)}, "y", ("a", "b"), {}
)

# Part of speech -> synsets: of what, and how often texts have each word in this sense.
SYNSETS: dict[str, list[tuple[str, dict[str, int]]]] = {
    "noun": [
        ("noun.artifact", {"car": 9, "auto": 1, "motor_car": 4, "motorcar": 0}),
        ("noun.artifact", {"car": 9, "gondola": 1}),
        ("noun.quantity", {"in": 6, "inch": 1}),
        ("noun.person", {"dwarf": 1, "midget": 1}),
        ("noun.plant", {"dwarf": 9, "shrub": 1}),
        ("noun.act", {"race": 3, "run": 2}),
        ("noun.act", {"race": 4, "competition": 2}),
        ("noun.act", {"race": 2, "raceway": 2}),
        ("noun.act", {"driving": 6, "steering": 1}),
    ],
    "verb": [("verb.motion", {"drive": 5, "motor": 1})],
    "adj": [
        ("adj.all", {"big": 1, "pregnant": 1}),
        ("adj.all", {"big": 5, "large": 4, "X-L": 2}),
        ("adj.all", {"rare": 0, "scarce": 1}),
        ("adj.pert", {"african": 9, "moorish": 4}),
    ],
    "adv": [("adv.all", {"but": 9, "merely": 4})],
}
LETTER = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
TYPE = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
OF = sorted({of for synsets in SYNSETS.values() for of, _ in synsets})


def write(folder):
    """The files of WordNet 3.0 (wndb(5WN), senseidx(5WN)), as NLTK reads them."""
    counts, keys = [], []
    for part, synsets in SYNSETS.items():
        data = "  1 WordNet 3.0 Copyright\n"
        places: dict[str, list[int]] = {}
        for i, (of, counted) in enumerate(synsets):
            offset = len(data)
            words = " ".join(f"{word} {i:x}" for word in counted)
            head = f"{offset:08d} {OF.index(of):02d} {LETTER[part]} {len(counted):02x}"
            data += f"{head} {words} 000 | \n"
            for word, count in counted.items():
                found = places.setdefault(word.lower(), [])
                found.append(offset)
                key = f"{word.lower()}%{TYPE[part]}:{OF.index(of):02d}:{i:02d}::"
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
    names = "".join(f"{i:02d}\t{of}\t1\n" for i, of in enumerate(OF))
    (folder / "lexnames").write_text(names)


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
    # Half of its uses; no text has motorcar, and motor_car is two words.
    assert made_up("car") == ("auto",)
    assert made_up("big") == ("large",)  # X-L is not of letters; pregnant is rarer.
    assert made_up("large") == ("big",)
    assert made_up("drive") == ("motor",)


@pytest.mark.parametrize(
    "word",
    [
        "in",  # Too short.
        "but",  # Grammar.
        "rare",  # No text has it so.
        "race",  # 4 of 9 uses.
        "driving",  # May be a form of drive.
        "dwarf",  # Can be a person, if rarely.
        "african",  # Of a people.
        "unheard",  # No entry.
    ],
)
def test_words_that_stay(made_up, word):
    assert made_up(word) == ()


def test_wordnet_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    wordnet.synonyms.cache_clear()
    config = {"evaluation": {"split": "test", "corruptions": ("synonyms",)}}
    message = (
        r"--config\.evaluation\.corruptions: .* Run python -m nltk\.downloader "
        "wordnet, or set NLTK_DATA to"
    )
    # Reading a study needs no WordNet.
    corruption_options.validate(config)
    corruption_options.require(config, POSTS)
    with pytest.raises(ValueError, match=message):
        corruption_options.require_words(config)


def test_wordnet_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "wordnet.zip").write_bytes(b"PK\3\4 and no more")
    wordnet.synonyms.cache_clear()
    with pytest.raises(ValueError, match="needs WordNet where NLTK looks"):
        wordnet.synonyms()


def test_princetons_wordnet():
    """What WordNet 3.0 says of some words, read off its files."""
    wordnet.synonyms.cache_clear()
    try:
        of = wordnet.synonyms()
    except ValueError:
        pytest.skip("WordNet is not installed: python -m nltk.downloader wordnet")
    assert of("buy") == ("purchase",)
    assert of("big") == ("large",)
    assert of("hate") == ("detest",)
    for word in (
        "a",
        "in",
        "who",
        "not",
        "have",
        "dogs",
        "men",
        "gay",
        "black",
        "race",
    ):
        assert of(word) == (), word
