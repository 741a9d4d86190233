"""A table as a data set: what is in it, and what is said of bad input."""

import numpy as np
import pandas
import pytest

from kd_keras import datasets, export, models
from kd_keras.datasets import table
from kd_keras.datasets.batches import training_batches
from kd_keras.datasets.splits import SPLITS

ROWS = """id,age,sex,race,hours,job,weight,fold,income
a,20,f,x,10,cook,1,train,no
b,30,f,y,,cook,2,train,yes
c,40,m,x,30,?,0,train,no
d,50,m,,20,nurse,1.5,train,yes
e,60,f,x,50,cook,1,validation,yes
f,20,m,y,,nurse,1,test,no
g,35,,x,25,smith,1,test,yes
"""
BASE = {
    "label": "income",
    "class_names": ("no", "yes"),
    "groups": ("sex", "race"),
    "bins": {"age": (30, 50)},
    "missing": ("?",),
    "weights": "weight",
    "example_id": "id",
    "split": "fold",
}


def write(tmp_path, text=ROWS):
    path = tmp_path / "people.csv"
    path.write_text(text)
    return str(path)


def load(tmp_path, text=ROWS, **options):
    return datasets.load("table", path=write(tmp_path, text), **{**BASE, **options})


def column(dataset, split, key):
    return [e[key] for e in dataset.splits[split].as_numpy_iterator()]


def test_a_table_by_hand(tmp_path):
    found = load(tmp_path)
    spec = found.spec
    assert spec.name == "people"
    assert list(spec.features) == ["hours", "hours_missing", "job"]
    assert spec.groups == {
        "sex": ("f", "m"),
        "race": ("x", "y"),
        "age": ("under 30", "30 to under 50", "50 and over"),
    }
    # Mean of 10, 30 and 20, the hours that the training split has.
    assert column(found, "train", "hours") == [10, 20, 30, 20]
    assert column(found, "train", "hours_missing") == [0, 1, 0, 0]
    assert column(found, "test", "hours") == [20, 25]
    assert column(found, "train", "job") == [b"cook", b"cook", b"", b"nurse"]
    assert column(found, "train", "income") == [0, 1, 0, 1]
    assert column(found, "train", "race") == [0, 1, 0, -1]
    assert column(found, "train", "age") == [0, 1, 1, 2]
    assert column(found, "test", "sex") == [1, -1]
    assert column(found, "test", "id") == [b"f", b"g"]
    assert len(column(found, "validation", "id")) == 1


def test_strings_of_any_alphabet(tmp_path):
    text = ROWS.replace("cook", "köchin").replace("a,20", "ä,20").replace(",x,", ",東,")
    found = load(tmp_path, text)
    expected = ["köchin".encode(), "köchin".encode(), b"", b"nurse"]
    assert column(found, "train", "job") == expected
    assert column(found, "train", "id")[0] == "ä".encode()
    assert found.spec.groups["race"] == ("y", "東")


NAMES = ["Größe", "a b", "Debt (CHF)", "hours/week", "%", "2nd", "Zusätzliche Angaben"]


def test_columns_of_any_name_are_trained_and_served(tmp_path):
    rng = np.random.default_rng(0)
    numbers = {name: rng.normal(size=40) for name in NAMES[:3]}
    numbers["Debt (CHF)"][:5] = np.nan
    words = {name: rng.choice(["x", "ÿ"], 40) for name in NAMES[3:]}
    table = {**numbers, **words, "label": [0, 1] * 20}
    path = str(tmp_path / "t.csv")
    pandas.DataFrame(table).to_csv(path, index=False)
    found = datasets.load("table", path=path, label="label", features=NAMES)
    assert list(found.spec.features) == [
        *("Gro_e", "a_b", "Debt_CHF", "Debt_CHF_missing", "hours_week", "column"),
        *("column_2nd", "Zusatzliche_Angaben"),
    ]
    model = models.build("mlp", found.spec.features, 2, hidden_units=(3,))
    loaded = export.load(export.export(model, found.spec, str(tmp_path / "m")))
    asked = loaded.signatures["serving_features"].structured_input_signature[1]
    assert set(asked) == {name.lower() for name in found.spec.features}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a b", "a_b"], r"'a_b' becomes the feature 'a_b'.*another column"),
        (["la bel", "x"], r"'la bel' becomes the feature 'la_bel'"),
        (["id", "x"], r"'id' cannot be a feature.*example_id='id'"),
    ],
)
def test_names_that_become_one_are_refused(tmp_path, columns, message):
    table = {name: [1.0, 2.0, 3.0, 4.0] * 5 for name in columns}
    label = "la_bel" if "la bel" in columns else "label"
    path = str(tmp_path / "t.csv")
    pandas.DataFrame({**table, label: [0, 1] * 10}).to_csv(path, index=False)
    with pytest.raises(ValueError, match=message):
        datasets.load("table", path=path, label=label)


def test_lists_of_words(tmp_path):
    words = [["é", "b"], ["", "d"], [None, "\U0001f914"], ["g", "h"]] * 3
    table = {"words": words, "label": [0, 1] * 6, "split": ["train", "test"] * 6}
    path = str(tmp_path / "words.parquet")
    pandas.DataFrame(table).to_parquet(path)
    found = datasets.load("table", path=path, label="label", split="split")
    assert found.spec.features["words"].shape == (2,)
    seen = np.stack(column(found, "test", "words"))
    assert seen[:2].tolist() == [[b"", b"d"], [b"g", b"h"]]
    train = {tuple(row) for row in column(found, "train", "words")}
    assert ("é".encode(), b"b") in train
    assert (b"", "\U0001f914".encode()) in train


def test_weights_reach_the_training_and_nothing_else(tmp_path):
    import tensorflow as tf

    found = load(tmp_path)
    options = {"batch_size": 4, "seed": 0, "shuffle_buffer": 4}
    batches = training_batches(
        found.splits["train"],
        found.spec,
        epoch=tf.Variable(0, dtype=tf.int64),
        **options,
    )
    ((inputs, _, weights),) = batches.as_numpy_iterator()
    assert sorted(weights.tolist()) == [0, 1, 1.5, 2]
    # Hours and weights are those of the same rows.
    pairs = set(zip(inputs["hours"].tolist(), weights.tolist(), strict=True))
    assert pairs == {(10, 1), (20, 2), (30, 0), (20, 1.5)}
    assert "sample_weight" not in found.spec.features


def test_a_column_that_is_feature_and_attribute(tmp_path):
    found = load(tmp_path, features={"age": "number", "sex": "category"})
    assert list(found.spec.features) == ["age", "sex"]
    assert list(found.spec.groups) == ["sex_group", "race", "age_group"]
    assert table.attributes(**BASE, features=("age", "sex")) == tuple(found.spec.groups)


def test_a_spec_reads_the_file_as_it_was_loaded(tmp_path):
    # Numbers that are groups by edges, a category, and a name that a model cannot have.
    lines = [f"{i % 3},{8000 + i % 4},{i}.5,{i % 2}" for i in range(60)]
    text = "\n".join(["priors,zip,Debt (CHF),y", *lines])
    options = {"bins": {"priors": (1, 3)}, "label": "y"}
    features = {"zip": "category", "Debt (CHF)": "number"}
    path = write(tmp_path, text)
    for also in ({}, {"priors": "number"}):
        kinds = {**features, **also}
        found = datasets.load("table", path=path, features=kinds, **options)
        loaded = [e for s in SPLITS for e in found.splits[s].as_numpy_iterator()]
        attribute = "priors_group" if also else "priors"
        assert found.spec.bins == {attribute: (1, 3)}
        again = list(found.spec.examples(path).as_numpy_iterator())
        assert again[2]["zip"] == b"8002"
        assert again[2]["Debt_CHF"] == 2.5
        # 2 lies between 1 and 3, and is no index of a group.
        assert found.spec.groups[attribute][again[2][attribute]] == "1 to under 3"
        by_row = {int(e.pop("id").decode().removeprefix("row_")): e for e in loaded}
        assert again == [by_row[row] for row in range(60)]


def test_a_column_that_may_be_two_features_is_named(tmp_path):
    lines = [f"{i},{i},{i % 2}" for i in range(60)]
    path = write(tmp_path, "\n".join(["a b,a-b,y", *lines]))
    found = datasets.load("table", path=path, label="y", features=("a b",))
    with pytest.raises(ValueError, match=r"feature 'a_b'.*\['a b', 'a-b'\]"):
        found.spec.examples(path)


def test_the_seed_splits(tmp_path):
    lines = [f"{i},{'yes' if i % 3 else 'no'},{i % 7}" for i in range(100)]
    text = "\n".join(["id,income,x", *lines])
    options = {"groups": (), "bins": None, "weights": "", "split": ""}

    def ids(seed):
        found = load(tmp_path, text, **options, seed=seed)
        return {split: column(found, split, "id") for split in SPLITS}

    first = ids(0)
    # A tenth and a fifth of a hundred.
    assert {s: len(of) for s, of in first.items()} == {
        "train": 70,
        "validation": 10,
        "test": 20,
    }
    assert len({i for of in first.values() for i in of}) == 100
    assert ids(0) == first
    assert ids(1)["test"] != first["test"]


def test_rows_for_validation_are_drawn_where_none_are_said(tmp_path):
    found = load(tmp_path, ROWS.replace("validation", "train"), validation_fraction=0.4)
    assert len(column(found, "train", "id")) == 3
    assert len(column(found, "validation", "id")) == 2
    assert column(found, "test", "id") == [b"f", b"g"]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ((), {"label": "incom"}, r"`label`.*'incom'.*Columns: \['id'"),
        ((), {"groups": ("gender",)}, "`groups`.*'gender'"),
        ((), {"features": ("height",)}, "`features`.*'height'"),
        (("train,yes", "train,no"), {}, ""),
        ((",yes", ",no"), {}, "'income' must have two classes.*'no' in all 7 rows"),
        (("d,50", "c,50"), {}, "'id'.*more than once: 'c', in rows 2 and 3"),
        (("2,train", "-2,train"), {}, r"'weight'.*not negative.*-2.0 in row 1"),
        (("2,train", "inf,train"), {}, "'weight'.*inf in row 1"),
        (("1,test", "1,dev"), {}, "'fold' must say 'train'.*'dev' in row 5"),
        (("1,test", "1,train"), {}, "The split 'test' is empty, of column 'fold'"),
        (("f,x,10", "f,x,inf"), {}, "'hours' must have finite numbers.*inf in row 0"),
        (
            (),
            {"features": {"job": "number"}},
            "'job' must have numbers.*'cook' in row 0",
        ),
        ((), {"features": {"job": "text"}}, r"features\['job'\].*'number', 'category'"),
        (("d,50,m,,20", "d,50,m,,many"), {}, ""),
        ((), {"class_names": ("no", "maybe")}, "'income' has a label.*'yes' in row 1"),
        ((), {"class_names": ("no", "yes", "no")}, "names of column 'income'.*'no'"),
        ((), {"groups": {"sex": ("f", "f", "m")}}, "names of column 'sex'.*'f'"),
        ((), {"bins": {"age": (50, 30)}}, r"bins\['age'\].*increase"),
        ((), {"split": "", "test_fraction": 1.5}, "`test_fraction` must be in.*1.5"),
        ((), {"seed": -1}, "`seed`.*-1"),
        ((), {"lable": "x"}, "Unknown options.*lable. Did you mean 'label'"),
    ],
    ids=str,
)
def test_bad_input_is_named_with_column_and_value(tmp_path, change, options, message):
    text = ROWS.replace(*change) if change else ROWS
    if not message:
        load(tmp_path, text, **options)  # It is allowed.
        return
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path, text, **options)
    assert len(str(caught.value).splitlines()) == 1


def test_a_mixed_category_is_named(tmp_path):
    import pandas as pd

    frame = pd.read_csv(write(tmp_path), keep_default_na=False)
    columns = {name: frame[name].to_numpy() for name in frame}
    columns["job"] = np.array(["cook", 3, "x", "x", "x", "x", "x"], object)
    rows = {"train": np.arange(5), "validation": np.array([5]), "test": np.array([6])}
    with pytest.raises(ValueError, match=r"'job' must have values of one type.*3"):
        table.of_columns(
            columns,
            rows,
            name="t",
            label="income",
            class_names=("no", "yes"),
            features=("job",),
            groups=(),
            bins={},
        )


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"no file .*nobody\.csv"):
        datasets.load("table", path="nobody.csv", label="y", data_dir=str(tmp_path))


def test_parquet_is_read_as_csv_is(tmp_path):
    import pandas as pd

    csv = load(tmp_path)
    path = tmp_path / "people.parquet"
    pd.read_csv(write(tmp_path), na_values=["?"]).to_parquet(path)
    parquet = datasets.load("table", path=str(path), **BASE)
    assert parquet.spec == csv.spec
    for key in (*csv.spec.features, *csv.spec.groups, "income", "id"):
        assert column(parquet, "train", key) == column(csv, "train", key)
