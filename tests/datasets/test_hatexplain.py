"""HateXplain: majorities, communities and the counts of the paper."""

import json

import official
import pytest

from kd_keras import datasets
from kd_keras.datasets.hatexplain.rules import COMMUNITIES, community, majority_label


def post(labels: list[str], targets: list[list[str]], text: str = "a b") -> dict:
    return {
        "post_id": "p1",
        "annotators": [
            {"label": label, "annotator_id": i, "target": target}
            for i, (label, target) in enumerate(zip(labels, targets, strict=True))
        ],
        "rationales": [],
        "post_tokens": text.split(" "),
    }


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["normal", "normal", "hatespeech"], "normal"),
        (["offensive", "offensive", "normal"], "toxic"),
        (["hatespeech"] * 3, "toxic"),
        # Two of three are toxic, but there is no majority in the three classes.
        (["hatespeech", "offensive", "normal"], None),
    ],
)
def test_majority_label(labels, expected):
    assert majority_label(post(labels, [[]] * 3)) == expected


@pytest.mark.parametrize(
    ("targets", "race", "gender"),
    [
        ([["Women"], ["Women", "African"], ["None"]], None, "Women"),
        ([["African", "Women"], ["African"], ["Women"]], "African", "Women"),
        ([["African", "Arab"], ["African", "Arab"], ["Men"]], None, None),
        # An annotator who names a community twice is still one annotator.
        ([["Asian", "Asian"], ["None"], ["Jewish"]], None, None),
        ([["None"], [], ["Islam"]], None, None),
        ([["Hispanic"]] * 3, "Hispanic", None),
    ],
)
def test_community(targets, race, gender):
    found = post(["normal"] * 3, targets)
    for attribute, expected in {"race": race, "gender": gender}.items():
        names = COMMUNITIES[attribute]
        index = -1 if expected is None else names.index(expected)
        assert community(found, attribute) == index


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hatexplain")
    official.write_hatexplain(directory)
    assert len(json.loads((directory / "dataset.json").read_text())) == 20148
    return datasets.load("hatexplain", data_dir=str(directory))


def test_published_counts(dataset):
    sizes = {split: int(d.cardinality()) for split, d in dataset.splits.items()}
    # 20,148 posts less the 919 that are undecided.
    assert sizes == {"train": 15383, "validation": 1922, "test": 1924}
    toxic = {
        split: sum(e["label"] for e in d.as_numpy_iterator())
        for split, d in dataset.splits.items()
    }
    # hatespeech + offensive
    assert toxic == {
        "train": 4748 + 4384,
        "validation": 593 + 548,
        "test": 594 + 548,
    }


def test_examples_are_the_posts_of_the_file(dataset):
    posts = json.loads(official.shared("hatexplain", "dataset.json").read_text())
    examples = list(dataset.splits["test"].as_numpy_iterator())
    assert len({e["id"] for e in examples}) == 1924
    for example in examples:
        original = posts[example["id"].decode()]
        assert example["text"].decode() == " ".join(original["post_tokens"])
    # Read off the file by hand.
    both = [*examples, *dataset.splits["validation"].as_numpy_iterator()]
    by_id = {e["id"]: e for e in both}
    twice = by_id[b"1179085312976445440_twitter"]  # Caucasian and Women, three times.
    assert (twice["label"], twice["race"], twice["gender"]) == (1, 3, 1)
    none = by_id[b"1179055004553900032_twitter"]  # Three times normal, target None.
    assert (none["label"], none["race"], none["gender"]) == (0, -1, -1)


def write(directory, posts: dict, test: list[str]) -> None:
    divisions = {"train": ["p1"], "val": ["p1"], "test": test}
    (directory / "dataset.json").write_text(json.dumps(posts))
    (directory / "post_id_divisions.json").write_text(json.dumps(divisions))


@pytest.mark.parametrize(
    ("posts", "message"),
    [
        ({"p1": post(["normal"] * 3, [[]] * 3, "")}, "dataset.json: post p1 has no te"),
        ({"p1": post(["nice"] * 3, [[]] * 3)}, "post p1 has the unknown label 'nice'"),
        ({}, "lacks 3 of the 3 posts that .*, such as p1"),
    ],
    ids=["empty text", "unknown label", "missing post"],
)
def test_bad_posts_are_named(tmp_path, posts, message):
    write(tmp_path, posts, ["p1"])
    with pytest.raises(ValueError, match=message):
        datasets.load("hatexplain", data_dir=str(tmp_path))


def test_truncated_json(tmp_path):
    write(tmp_path, {"p1": post(["normal"] * 3, [[]] * 3)}, ["p1"])
    content = (tmp_path / "dataset.json").read_text()
    (tmp_path / "dataset.json").write_text(content[:50])
    with pytest.raises(ValueError, match=r"dataset\.json is no intact JSON file"):
        datasets.load("hatexplain", data_dir=str(tmp_path))
