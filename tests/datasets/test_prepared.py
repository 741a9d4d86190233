"""A data set that is not there: what to get, from where, how large, where to put it."""

import dataclasses

import pytest

from kd_keras import datasets
from kd_keras.datasets import adult, prepared

MISSING = {
    "adult": ["adult.data, adult.test", "archive.ics.uci.edu", "MiB", "download=True"],
    "celeb_a": ["mmlab.ie.cuhk.edu.hk", "1.4 GiB", "download=True"],
    "cifar10": ["cifar10/3.0.2", "cs.toronto.edu/~kriz", "162 MiB", "download=True"],
    "cifar100": ["cifar100/3.0.2", "161 MiB", "download=True"],
    "fairface": ["fairface_label_train.csv", "github.com/joojs/fairface", "550 MiB"],
    "hatexplain": ["dataset.json, post_id_divisions.json", "hate-alert", "13 MiB"],
    "imagenet2012": ["downloads/manual/ILSVRC2012_img_train.tar", "144 GiB"],
    "svhn_cropped": ["ufldl.stanford.edu/housenumbers", "1.5 GiB", "download=True"],
    "tiny_imagenet": ["tiny-imagenet-200.zip", "cs231n.stanford.edu", "237 MiB"],
}


def test_every_data_set_is_covered():
    # Trifeature is made, a table is one's own, and two are other sets' images.
    others = {"trifeature", "table", "cifar10s", "cifar100lt"}
    assert sorted(MISSING) == sorted(datasets.DATASETS.keys() - others)


@pytest.mark.parametrize("name", ["cifar10s", "cifar100lt"])
def test_a_set_of_another_ones_images_names_that(name, tmp_path):
    with pytest.raises(ValueError, match=r"'cifar100?' is not in data_dir="):
        datasets.load(name, data_dir=str(tmp_path))


@pytest.mark.parametrize("name", sorted(MISSING))
def test_missing_data_set(name, tmp_path):
    with pytest.raises(ValueError, match=rf"'{name}' is not in data_dir=") as raised:
        datasets.load(name, data_dir=str(tmp_path))
    for part in [str(tmp_path), *MISSING[name]]:
        assert part in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["fairface", "imagenet2012"])
def test_what_cannot_be_fetched_is_not_offered(name, tmp_path):
    with pytest.raises(ValueError, match="put ") as raised:
        datasets.load(name, data_dir=str(tmp_path), download=True)
    assert "download=True" not in str(raised.value)


def test_only_the_missing_file_is_named(tmp_path):
    (tmp_path / "adult.data").touch()
    with pytest.raises(ValueError, match=r"put adult\.test from"):
        datasets.load("adult", data_dir=str(tmp_path))


def test_another_version_is_named(tmp_path):
    (tmp_path / "cifar10" / "2.0.0").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"Found is version 2\.0\.0, which is"):
        datasets.load("cifar10", data_dir=str(tmp_path))


def test_download_fetches_what_is_missing(tmp_path, monkeypatch):
    origin, root = tmp_path / "origin", tmp_path / "root"
    origin.mkdir()
    row = (
        "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, "
        "Not-in-family, White, Male, 2174, 0, 40, United-States, <=50K"
    )
    (origin / "adult.data").write_text(f"{row}\n" * 10)
    (origin / "adult.test").write_text(f"|1x3 Cross validator\n{row}.\n")
    official = {name: (origin / name).as_uri() for name in adult.SOURCE.official}
    source = dataclasses.replace(adult.SOURCE, official=official)
    monkeypatch.setattr(adult, "SOURCE", source)
    with pytest.raises(ValueError, match="download=True, which fetches it"):
        datasets.load("adult", data_dir=str(root))
    dataset = datasets.load("adult", data_dir=str(root), download=True)
    assert (root / "adult.data").read_bytes() == (origin / "adult.data").read_bytes()
    sizes = {name: int(s.cardinality()) for name, s in dataset.splits.items()}
    assert sizes == {"train": 9, "validation": 1, "test": 1}


def test_directory_spells_out_config_and_version():
    source = prepared.Source("a", "1.2.3", page="", size="", config="64px")
    assert source.directory == "a/64px/1.2.3"
    assert dataclasses.replace(source, config="").directory == "a/1.2.3"


@pytest.mark.parametrize("name", ["cifar10", "celeb_a", "adult"])
def test_unknown_option(name):
    with pytest.raises(ValueError, match=rf"'{name}': sead\..*Available: .*data_dir"):
        datasets.load(name, sead=3)
