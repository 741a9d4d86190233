"""Sets of TensorFlow Datasets and of Hugging Face, by their names alone."""

import numpy as np
import official
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from kd_keras import datasets


def column(dataset, split, key):
    return [e[key] for e in dataset.splits[split].as_numpy_iterator()]


def test_a_tfds_image_set(tmp_path):
    splits = {"train": 40, "test": 10}
    official.write_prepared(tmp_path, "fashion_mnist", "3.0.1", splits)
    found = datasets.load("tfds:fashion_mnist", data_dir=str(tmp_path))
    assert found.spec.name == "fashion_mnist"
    # Grey images are read as RGB.
    assert found.spec.features["image"].shape == (28, 28, 3)
    assert found.spec.class_names[0] == "T-shirt/top"
    sizes = {s: len(column(found, s, "label")) for s in found.splits}
    assert sizes == {"train": 36, "validation": 4, "test": 10}
    ids = [i for split in found.splits for i in column(found, split, "record")]
    assert len(set(ids)) == 50
    image = column(found, "test", "image")[0]
    assert (image[..., 0] == image[..., 1]).all()
    small = datasets.load("tfds:fashion_mnist", data_dir=str(tmp_path), image_size=14)
    assert column(small, "test", "image")[0].shape == (14, 14, 3)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fashion_mnits", {}, r"no 'fashion_mnits'.*Did you mean 'fashion_mnist'"),
        ("huggingface:mnist", {}, r"must be named as 'name'.*'huggingface:mnist'"),
        ("cifar10", {}, r"'tfds:cifar10' is not in .*tfds build cifar10"),
        ("fashion_mnist", {"label": "kind"}, r"`label` .*\['label'\].*'kind'"),
        ("fashion_mnist", {"groups": ("sex",)}, "`groups` .*'sex'.*'image', 'label'"),
        ("fashion_mnist", {"image_sise": 3}, "image_sise. Did you mean 'image_size'"),
        ("fashion_mnist", {"validation_fraction": 1.0}, "`validation_fraction`.*1.0"),
    ],
)
def test_what_tfds_does_not_have_is_named(tmp_path, name, options, message):
    splits = {"train": 20, "test": 10}
    official.write_prepared(tmp_path, "fashion_mnist", "3.0.1", splits)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(f"tfds:{name}", data_dir=str(tmp_path), **options)
    assert "\n" not in str(caught.value)


def write_sentences(tmp_path, **labels):
    kinds = {
        "sentence": tfds.features.Text(),
        "label": tfds.features.ClassLabel(names=["negative", "positive"]),
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name="sentences",
        version="1.0.0",
        features=tfds.features.FeaturesDict(kinds),
        split_datasets={
            split: [
                (i, {"sentence": f"{split} {i}", "label": label})
                for i, label in enumerate(of)
            ]
            for split, of in labels.items()
        },
        data_dir=str(tmp_path),
    )


@pytest.mark.parametrize(
    ("splits", "sizes", "origin"),
    [
        # The test split of GLUE is so; a tenth of 20 validates.
        ({"validation": [0, 1, 1]}, (18, 2, 3), "validation"),
        # A fifth and a tenth of 20.
        ({}, (14, 2, 4), "train"),
    ],
)
def test_hidden_test_labels_of_tfds_are_not_scored(tmp_path, splits, sizes, origin):
    # More than one batch of the reader's 64.
    write_sentences(tmp_path, train=[0, 1] * 10, test=[-1] * 70, **splits)
    expected = rf"split 'test' of .*sentences.* hidden.* '{origin}' is 'test'"
    with pytest.warns(UserWarning, match=expected):
        found = datasets.load("tfds:sentences", data_dir=str(tmp_path))
    found_sizes = tuple(len(column(found, s, "label")) for s in found.splits)
    assert dict(zip(found.splits, found_sizes, strict=True)) == dict(
        zip(("train", "validation", "test"), sizes, strict=True)
    )
    texts = [text.decode() for text in column(found, "test", "sentence")]
    assert {text.partition(" ")[0] for text in texts} == {origin}
    assert set(column(found, "test", "label")) <= {0, 1}


def test_a_label_of_a_text_that_is_no_class_is_named(tmp_path):
    write_sentences(tmp_path, train=[0, 1] * 10, test=[0, -1, 1])
    found = datasets.load("tfds:sentences", data_dir=str(tmp_path))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        column(found, "test", "label")
    assert "has a label that is not in [0, 2)" in str(caught.value)
    assert "[sentences-test.tfrecord-00000-of-00001__" in str(caught.value)


def saved(tmp_path):
    hugging_face = pytest.importorskip("datasets", reason="needs the package datasets")
    label = hugging_face.ClassLabel(names=["bad", "good"])
    features = hugging_face.Features(
        {"text": hugging_face.Value("string"), "mood": label, "who": label}
    )

    def split(*rows):
        texts, moods, who = zip(*rows, strict=True)
        table = {"text": texts, "mood": moods, "who": who}
        return hugging_face.Dataset.from_dict(table, features=features)

    rows = [(f"text {i}", i % 2, i // 5 % 2) for i in range(20)]
    made = {"train": split(*rows), "test": split(("a", 1, 0), ("b", 0, 1))}
    hugging_face.DatasetDict(made).save_to_disk(str(tmp_path / "moods"))
    return str(tmp_path / "moods")


def test_a_hugging_face_set(tmp_path):
    found = datasets.load(f"hf:{saved(tmp_path)}", label="mood", groups=("who",))
    assert found.spec.name == "moods"
    assert list(found.spec.features) == ["text"]
    assert found.spec.class_names == ("bad", "good")
    assert found.spec.groups == {"who": ("bad", "good")}
    assert column(found, "test", "text") == [b"a", b"b"]
    assert column(found, "test", "mood") == [1, 0]
    assert column(found, "test", "who") == [0, 1]
    assert len(column(found, "train", "id")) == 18
    assert len(column(found, "validation", "id")) == 2


@pytest.mark.parametrize(
    ("official", "sizes"),
    [
        # A fifth of the 80 rows for training, a tenth of them, and both.
        (("validation",), {"train": 64, "validation": 20, "test": 16}),
        (("test",), {"train": 72, "validation": 8, "test": 20}),
        ((), {"train": 56, "validation": 8, "test": 16}),
        (("validation", "test"), {"train": 80, "validation": 20, "test": 20}),
    ],
)
def test_official_splits_of_hugging_face_stay_apart(tmp_path, official, sizes):
    hugging_face = pytest.importorskip("datasets", reason="needs the package datasets")

    def split(name, size):
        ids = [f"{name} {i}" for i in range(size)]
        table = {"x": list(range(size)), "y": [i % 2 for i in range(size)], "key": ids}
        return hugging_face.Dataset.from_dict(table)

    made = {"train": split("train", 80), **{name: split(name, 20) for name in official}}
    hugging_face.DatasetDict(made).save_to_disk(str(tmp_path / "set"))
    found = datasets.load(f"hf:{tmp_path}/set", label="y", example_id="key")
    ids = {s: [i.decode() for i in column(found, s, "key")] for s in found.splits}
    assert {s: len(of) for s, of in ids.items()} == sizes
    assert len({i for of in ids.values() for i in of}) == sum(sizes.values())
    for name, of in ids.items():
        origin = name if name in official else "train"
        assert {i.partition(" ")[0] for i in of} == {origin}


def test_hidden_test_labels_of_hugging_face_are_not_scored(tmp_path):
    hugging_face = pytest.importorskip("datasets", reason="needs the package datasets")
    features = hugging_face.Features(
        {
            "text": hugging_face.Value("string"),
            "mood": hugging_face.ClassLabel(names=["bad", "good"]),
        }
    )
    made = {
        split: hugging_face.Dataset.from_dict(
            {"text": [f"{split} {i}" for i in range(len(of))], "mood": of}, features
        )
        for split, of in (("train", [0, 1] * 10), ("test", [-1] * 5))
    }
    hugging_face.DatasetDict(made).save_to_disk(str(tmp_path / "moods"))
    with pytest.warns(UserWarning, match="split 'test' .*moods.* are hidden"):
        found = datasets.load(f"hf:{tmp_path}/moods", label="mood")
    texts = [text.decode() for text in column(found, "test", "text")]
    # A fifth of the 20 rows for training.
    assert len(texts) == 4
    assert {text.partition(" ")[0] for text in texts} == {"train"}


def test_hugging_face_images(tmp_path):
    hugging_face = pytest.importorskip("datasets", reason="needs the package datasets")
    pixels = [np.full((9, 12, 3), 10 * i, np.uint8) for i in range(20)]
    features = hugging_face.Features(
        {"image": hugging_face.Image(), "y": hugging_face.Value("int64")}
    )
    table = {"image": pixels, "y": [i % 2 for i in range(20)]}
    path = str(tmp_path / "images")
    hugging_face.Dataset.from_dict(table, features=features).save_to_disk(path)
    found = datasets.load(f"hf:{path}", label="y", image_size=8)
    assert found.spec.features["image"].shape == (8, 8, 3)
    by_id = {
        int(e["id"].decode().removeprefix("row_")): e["image"]
        for split in found.splits.values()
        for e in split.as_numpy_iterator()
    }
    assert {i: set(image.ravel()) for i, image in by_id.items()} == {
        i: {10 * i} for i in range(20)
    }
    with pytest.raises(ValueError, match=r"`image_size` is needed.*'image'"):
        datasets.load(f"hf:{path}", label="y")


def test_a_folder_that_is_no_hugging_face_set(tmp_path):
    pytest.importorskip("datasets", reason="needs the package datasets")
    with pytest.raises(ValueError, match=r"no folder .*nowhere.*save_to_disk"):
        datasets.load(f"hf:{tmp_path}/nowhere", label="y")
    with pytest.raises(ValueError, match="is no saved Hugging Face data set"):
        datasets.load(f"hf:{tmp_path}", label="y")
