"""Names: keys of a dict, or a function of one's own module."""

import pytest

from kd_keras import datasets, models, named, training

OWN = """
import os.path
from os import system

class Thing:
    pass

def function():
    return 7

number = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_names.py").write_text(OWN)
    (tmp_path / "own_broken.py").write_text("import nothing_like_it")
    (tmp_path / "own_wrong.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_known_names_and_own_functions(own):
    assert named.resolve("thing", "a", {"a": 1}) == 1
    assert named.resolve("thing", "own_names:function", {})() == 7
    assert named.resolve("thing", "own_names:Thing", {}).__name__ == "Thing"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kll", "Unknown thing 'kll'. Did you mean 'kl'.* Available: kl, or"),
        ("nowhere_at_all:f", "no module 'nowhere_at_all'.*--module_path=FOLDER"),
        ("own_names.part:f", "own_names.part"),
        ("own_names:functoin", "has no 'functoin'. Did you mean 'function'"),
        ("own_names:number", "must be a function or a class. Received: a int"),
        ("own_names:system", "defined in the module 'posix'"),
        ("own_broken:f", "cannot be imported: ModuleNotFoundError.*nothing_like_it"),
        ("own_wrong:f", "cannot be imported: ZeroDivisionError"),
        ("own_names:a.b", "Unknown thing"),
        ("../own_names:f", "Unknown thing"),
        (3, "Unknown thing 3"),
    ],
)
def test_what_is_not_there_is_named(own, name, message):
    with pytest.raises(ValueError, match=message) as caught:
        named.resolve("thing", name, {"kl": 1})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datasets.load("celeba"), "'celeba'. Did you mean 'celeb_a'"),
        (lambda: models.build("rsnet20", (8, 8, 3), 2), "Did you mean 'resnet20'"),
        (
            lambda: training.optimizer(
                "adamm", learning_rate=1.0, schedule="constant", total_steps=1
            ),
            "Did you mean 'adam'",
        ),
    ],
    ids=["data set", "architecture", "optimizer"],
)
def test_typos_suggest(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_signature_takes_capital_letters_as_small_ones():
    given = {"Age": 1, "b": 2, "B": 3, "other": 4}
    assert named.of_signature(["age", "b"], given) == {"age": 1, "b": 2}
    with pytest.raises(KeyError, match="hours"):
        named.of_signature(["hours"], given)
