"""Adult out of the official files."""

from collections import Counter

import official
import pandas as pd
import pytest

from kd_keras import datasets
from kd_keras.datasets.adult.columns import CATEGORICAL, GROUPS, NUMERIC


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    directory = tmp_path_factory.mktemp("adult")
    official.write_adult(directory)
    dataset = datasets.load("adult", data_dir=str(directory))
    return {s: list(d.as_numpy_iterator()) for s, d in dataset.splits.items()}


def test_published_counts(examples):
    train = examples["train"] + examples["validation"]
    assert (len(train), len(examples["test"])) == (32561, 16281)
    assert len(examples["validation"]) == 3256
    assert sum(e["income"] for e in train) == 7841
    assert sum(e["income"] for e in examples["test"]) == 3846
    assert len({e["id"] for e in train + examples["test"]}) == 48842


def test_rows_are_those_of_the_table(examples):
    table = pd.read_csv(official.shared("adult", "adult_test.csv.gz"))
    table.columns = table.columns.str.replace("-", "_")
    assert Counter(table["sex"]) == Counter(
        GROUPS["sex"][e["sex"]] for e in examples["test"]
    )
    for example in examples["test"][:500]:
        row = table.iloc[int(example["id"].decode().split("_")[1])]
        for name in NUMERIC:
            assert example[name] == row[name]
        for name in CATEGORICAL:
            assert example[name].decode() == row[name]
        for attribute, names in GROUPS.items():
            assert names[example[attribute]] == row[attribute]
        assert ("<=50K", ">50K")[example["income"]] == row["income"]


ROW = (
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, "
    "Not-in-family, White, Male, 2174, 0, 40, United-States, <=50K"
)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.replace("<=50K", "<=60K"), "unknown income '<=60K'. Allowed: <=50K, >50K"),
        (ROW.replace("White", "Green"), "unknown race 'Green'"),
        (ROW.replace("39", "old"), "could not convert string to float: 'old'"),
        (ROW[:60], "7 columns instead of 15"),
    ],
    ids=["label", "group", "number", "cut"],
)
def test_bad_rows_are_named(tmp_path, row, message):
    (tmp_path / "adult.data").write_text(f"{ROW}\n{row}\n")
    (tmp_path / "adult.test").write_text(f"|1x3 Cross validator\n{ROW}.\n")
    with pytest.raises(ValueError, match=f"adult.data, line 2: {message}"):
        datasets.load("adult", data_dir=str(tmp_path))


def test_attributes_are_no_inputs(tmp_path):
    (tmp_path / "adult.data").write_text(f"{ROW}\n" * 10)
    (tmp_path / "adult.test").write_text(f"|1x3 Cross validator\n{ROW}.\n")
    spec = datasets.load("adult", data_dir=str(tmp_path)).spec
    assert not {"sex", "race", "income", "id"} & set(spec.features)
    assert spec.features["age"].dtype.name == "float32"
    assert spec.features["occupation"].dtype.name == "string"
