"""Tables of every kind come out as the same columns."""

from decimal import Decimal

import datasets as hugging_face
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from kd_keras.datasets import DatasetSpec, columns, encode, table_features

AGES = [25, 47, 51]
FRAME = pd.DataFrame(
    {
        "age": AGES,
        "hours": [40.0, None, 12.5],
        "sex": ["Female", None, "Male"],
        "race": pd.Categorical(["Black", "White", "Black"], ["White", "Black"]),
        "member": [True, False, True],
    },
    index=[7, 7, 9],
)


def as_csv(path):
    FRAME.to_csv(path / "people.csv", index=False)
    return path / "people.csv"


def as_gzip(path):
    FRAME.to_csv(path / "people.csv.gz", index=False)
    return str(path / "people.csv.gz")


def as_parquet(path):
    FRAME.to_parquet(path / "people.parquet", index=False)
    return path / "people.parquet"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda _: FRAME, id="frame"),
        pytest.param(lambda _: FRAME.convert_dtypes(), id="nullable"),
        pytest.param(
            lambda _: FRAME.astype({"race": str}).convert_dtypes(
                dtype_backend="pyarrow"
            ),
            id="arrow",
        ),
        pytest.param(lambda _: FRAME.to_dict("list"), id="dict"),
        pytest.param(lambda _: {k: FRAME[k] for k in FRAME}, id="series"),
        pytest.param(
            lambda _: pyarrow.Table.from_pandas(FRAME, preserve_index=False), id="table"
        ),
        pytest.param(
            lambda _: hugging_face.Dataset.from_dict(FRAME.to_dict("list")),
            id="datasets",
        ),
        as_csv,
        as_gzip,
        as_parquet,
    ],
)
def test_every_kind_of_table(tmp_path, make):
    found = columns.read(make(tmp_path))
    assert list(found) == ["age", "hours", "sex", "race", "member"]
    assert found["age"].tolist() == AGES
    assert found["age"].dtype == np.int64
    np.testing.assert_array_equal(found["hours"], [40, np.nan, 12.5])
    assert found["sex"].tolist() == ["Female", None, "Male"]
    assert found["race"].tolist() == ["Black", "White", "Black"]
    assert found["member"].tolist() == [True, False, True]
    assert found["member"].dtype == bool


def test_class_labels_of_hugging_face_are_names():
    features = hugging_face.Features(
        {
            "y": hugging_face.ClassLabel(names=["neg", "pos"]),
            "x": hugging_face.Sequence(hugging_face.Value("float32"), length=2),
        }
    )
    found = columns.read(
        hugging_face.Dataset.from_dict(
            {"y": [1, 0, -1], "x": [[0.5, 1], [2, 3], [4, 5]]}, features
        )
    )
    assert found["y"].tolist() == ["pos", "neg", None]
    np.testing.assert_array_equal(found["x"], [[0.5, 1], [2, 3], [4, 5]])


def test_further_missing_values(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("age, work\n39, ?\n?, State-gov\n")
    found = columns.read(path, missing=["?"])
    np.testing.assert_array_equal(found["age"], [39, np.nan])
    assert found["work"].tolist() == [None, "State-gov"]
    frame = pd.DataFrame({"work": [" ?", "State-gov"]})
    assert columns.read(frame, missing=["?"])["work"].tolist() == [None, "State-gov"]


def test_decimals_are_numbers(tmp_path):
    frame = pd.DataFrame(
        {
            "price": [Decimal("1.50"), None, Decimal("2.25")],
            # One more than a float holds.
            "key": [Decimal(2**53 + 1), Decimal(2**53), Decimal(7)],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    for source in (frame, frame.to_dict("list"), tmp_path / "a.parquet"):
        found = columns.read(source)
        np.testing.assert_array_equal(found["price"], [1.5, np.nan, 2.25])
        assert found["key"].tolist() == [2**53 + 1, 2**53, 7]
        kinds = table_features.kinds(found, (), ())
        assert kinds == {"price": "number", "key": "number"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 12], ["3", "12"]),
        ([3, None], ["3", ""]),
        # A value's text does not depend on the others.
        ([3, 2.5], ["3", "2.5"]),
        ([True, None], ["True", ""]),
        (["a", None], ["a", ""]),
        ([2.0**53 - 1, None], ["9007199254740991", ""]),
    ],
)
def test_texts_of_categories(values, expected):
    column = columns.read({"c": values})["c"]
    assert table_features.texts("c", column).tolist() == expected


def test_categories_that_floats_merge_are_refused():
    for large in (2**53 + 1, -(2**60)):
        column = columns.read({"c": [1, large, None]})["c"]
        with pytest.raises(ValueError, match=r"Column 'c' .* in row 1\. .*2\*\*53"):
            table_features.texts("c", column)


def test_what_a_mask_covers_is_missing():
    mask = [False, False, True]
    found = columns.read(
        {
            "count": np.ma.array([1, 2, -999], mask=mask),
            "share": np.ma.array(np.float32([0.5, 1, -999]), mask=mask),
            "pair": np.ma.masked_equal([[1, 2], [3, -9], [5, 6]], -9),
            "member": np.ma.array([True, False, True], mask=mask),
            "sex": np.ma.array(["Female", "Male", "?"], mask=mask),
            "whole": np.ma.array([1, 2, 3]),
        }
    )
    np.testing.assert_array_equal(found["count"], [1, 2, np.nan])
    np.testing.assert_array_equal(found["share"], [0.5, 1, np.nan])
    assert found["share"].dtype == np.float32
    np.testing.assert_array_equal(found["pair"], [[1, 2], [3, np.nan], [5, 6]])
    assert found["member"].tolist() == [True, False, None]
    assert found["sex"].tolist() == ["Female", "Male", None]
    assert (found["whole"].tolist(), found["whole"].dtype) == ([1, 2, 3], np.int64)
    with pytest.raises(ValueError, match="Received: none in 1 of 3, the first in row"):
        encode.labels("count", found["count"])


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (3, TypeError, "A table must be a pandas DataFrame.* Received: int"),
        ({}, ValueError, "at least one column"),
        ({"a": []}, ValueError, "at least one example"),
        ({"a": [1], "b": [1, 2]}, ValueError, "Received: 2 in 'b', 1 in 'a'"),
        ({"a": 3}, ValueError, "Column 'a' must have one value .* Received: 3"),
        ({"a": [[1], [1, 2]]}, ValueError, "Column 'a' must have values of one shape"),
        ({1: [1]}, TypeError, "name must be a string. Received: 1"),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            ValueError,
            r"Received more than once: \['a'\]",
        ),
        ("no.csv", ValueError, "There is no file 'no.csv'"),
        ("no.xlsx", ValueError, "must end in .csv, .csv.gz or .parquet"),
    ],
)
def test_bad_tables(source, error, message):
    with pytest.raises(error, match=message):
        columns.read(source)


def test_bad_files(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("age,age\n1,2\n")
    with pytest.raises(ValueError, match=r"a.csv cannot be read .* once: \['age'\]"):
        columns.read(path)
    path.write_text("age;name\n1;x\n")
    with pytest.raises(ValueError, match=r"apart by ';': 'age;name'. Save it with com"):
        columns.read(path)
    path.write_bytes("name\nä\n".encode("cp1252"))
    with pytest.raises(ValueError, match=r"no UTF-8 text .*0xe4.*in UTF-8"):
        columns.read(path)
    path = tmp_path / "a.parquet"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"a.parquet cannot be read as a table: "):
        columns.read(path)


@pytest.mark.parametrize(
    ("text", "line", "numbers"),
    [
        ("age,income,y\n30,100,0,\n40,200,1,\n", 2, (4, 3)),
        ("age,income,y\n1,30,100,0\n2,40,200,1\n", 2, (4, 3)),
        # A blank line counts as one of the file.
        ("age,y\n\n30,0,5,6\n", 3, (4, 2)),
        ("age,y\n30,0\n40,1,5\n", 3, (3, 2)),
        ("age\n30,0\n", 2, (2, 1)),
    ],
)
def test_a_line_longer_than_the_header_is_refused(tmp_path, text, line, numbers):
    path = tmp_path / "a.csv"
    path.write_text(text)
    values, names = numbers
    expected = f"a.csv .*line {line} has {values} values, .* {names} names. Name every"
    with pytest.raises(ValueError, match=expected):
        columns.read(path)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (FRAME[["age", "sex"]].to_csv(), r"\[1\]"),
        ("age,sex,\n25,Female,\n47,,\n51,Male,\n", r"\[3\]"),
        (" ,age,sex,\n0,25,Female,1\n0,47,,1\n0,51,Male,1\n", r"\[1, 4\]"),
    ],
)
def test_a_column_without_a_name_is_left_out_with_a_word(tmp_path, text, places):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.warns(UserWarning, match=f"a.csv has no name .* {places}.* left out"):
        found = columns.read(path)
    assert {name: values.tolist() for name, values in found.items()} == {
        "age": AGES,
        "sex": ["Female", None, "Male"],
    }


YES_NO = ("no", "yes")


@pytest.mark.parametrize(
    ("values", "names", "expected"),
    [
        (["yes", "no"], YES_NO, [1, 0]),
        ([True, False], YES_NO, [1, 0]),
        ([True, False], None, [1, 0]),
        ([1, -1], YES_NO, [1, 0]),
        ([1.0, -1.0], None, [1, 0]),
        ([1, 1], YES_NO, [1, 1]),
        ([2, 0], ("a", "b", "c"), [2, 0]),
        ([2, 0], None, [2, 0]),
        # Booleans are names where a name is one, as pandas reads it.
        ([True, False, False], ("True", "False"), [0, 1, 1]),
        ([False, False], ("FALSE", "TRUE"), [0, 0]),
        ([True, False], ("true", "false"), [0, 1]),
        ([True, False], ("0", "1"), [1, 0]),
        # Integers are names where all names are integers.
        ([3, 7], ("7", "3"), [1, 0]),
    ],
)
def test_labels(values, names, expected):
    column = columns.read({"y": values})["y"]
    index, found = encode.labels("y", column, names)
    assert index.tolist() == expected
    assert names is None or found == names


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        (["yes", "maybe"], YES_NO, r"Received: 'maybe' in row 1. Allowed: 'no', 'yes'"),
        (["yes", None], YES_NO, "Received: none in 1 of 2, the first in row 1"),
        (["yes", 1], YES_NO, "values of one type. Received: 'yes' and 1"),
        (["yes", "no"], None, "`class_names` must give the order"),
        ([0, 2], YES_NO, "Received: 2 in row 1"),
        ([-1, 0, 1], YES_NO, "Received: -1 in row 0"),
        ([0.5, 1], YES_NO, "Received: 0.5 in row 0"),
        ([0, 1], ("7", "3"), "Received: 0 in row 0. Allowed: '7', '3'"),
        ([[0], [1]], YES_NO, r"Received: shape \(2, 1\)"),
        ([True, False], ("True", "no"), "Received: False in row 1. Allowed: 'True', "),
        ([True, False], ("1", "0"), "Received: False in row 1. Allowed: '1', '0'"),
    ],
)
def test_bad_labels(values, names, message):
    with pytest.raises(ValueError, match=r"Column 'y'|`class_names`") as error:
        encode.labels("y", columns.read({"y": values})["y"], names)
    assert error.match(message)


@pytest.mark.parametrize(
    ("values", "names", "expected", "groups"),
    [
        (["b", "a", None, ""], None, [1, 0, -1, -1], ("a", "b")),
        (["b", "a"], ("b", "a"), [0, 1], ("b", "a")),
        ([1, 0, -1], ("b", "a"), [1, 0, -1], ("b", "a")),
        ([10, 9, 10], None, [1, 0, 1], ("9", "10")),
        ([1.0, None], None, [0, -1], ("1",)),
        ([True, False], None, [1, 0], ("False", "True")),
        ([True, None, False], ("True", "False"), [0, -1, 1], ("True", "False")),
        ([True, False], ("true", "false"), [0, 1], ("true", "false")),
        ([True, True], None, [0, 0], ("True",)),
        ([True, True], ("True",), [0, 0], ("True",)),
        ([True, False], ("b", "a"), [1, 0], ("b", "a")),
        ([-1, 1], None, [0, 1], ("-1", "1")),
        ([5, 3], ("3", "5"), [1, 0], ("3", "5")),
        # -1 is missing, unless it is a name.
        ([1, -1, 2], ("1", "2"), [0, -1, 1], ("1", "2")),
        ([1, -1, None], ("1", "-1"), [0, 1, -1], ("1", "-1")),
    ],
)
def test_groups(values, names, expected, groups):
    codes, found = encode.groups("g", columns.read({"g": values})["g"], names)
    assert (codes.tolist(), found) == (expected, groups)


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        (
            ["a", "c"],
            ("a", "b"),
            r"not named. Received: 'c' in row 1. Allowed: 'a', 'b' or their indices 0 "
            r"to 1, and an empty value where it is missing\.",
        ),
        (
            [0, 2],
            ("a", "b"),
            "Received: 2 in row 1. Allowed: 'a', 'b' or their indices 0 to 1, and -1 "
            "or an empty value where it is missing",
        ),
        (
            [1, 0],
            ("1", "2"),
            "Received: 0 in row 1. Allowed: '1', '2', as strings or as numbers, and -1 "
            "or an empty value where it is missing",
        ),
        (
            [1, 0],
            ("1", "-1"),
            "Received: 0 in row 1. Allowed: '1', '-1', as strings or as numbers, and "
            "an empty value where it is missing",
        ),
        ([True, False], ("True",), "Received: False in row 1. Allowed: 'True' or"),
        (["a", 1], None, "values of one type. Received: 'a' and 1"),
        ([0.5, 1], None, r"Received: 0.5 in row 0. Bin numbers: bins=\{'g': "),
    ],
)
def test_bad_groups(values, names, message):
    with pytest.raises(ValueError, match="Column 'g'") as error:
        encode.groups("g", columns.read({"g": values})["g"], names)
    assert error.match(message)


@pytest.mark.parametrize("words", [("True", "False"), ("true", "false")])
def test_booleans_of_a_file_are_the_names_that_they_have_there(tmp_path, words):
    first, second = words
    path = tmp_path / "a.csv"
    path.write_text(f"x,y,g\n1,{first},{second}\n2,{second},{second}\n")
    spec = DatasetSpec.of(
        str(path), label="y", class_names=words, groups={"g": words}, features=["x"]
    )
    rows = list(spec.examples(str(path)).as_numpy_iterator())
    assert [(row["y"], row["g"]) for row in rows] == [(0, 1), (1, 1)]
    # A group that is the same for all is read by the spec that it made.
    spec = DatasetSpec.of(
        str(path), label="y", class_names=words, groups=["g"], features=["x"]
    )
    rows = list(spec.examples(str(path)).as_numpy_iterator())
    assert (spec.groups["g"], [row["g"] for row in rows]) == (("False",), [0, 0])


def test_groups_coded_as_signs():
    encode.check_not_signs("g", np.array([-1, 1]), ("-1", "1"))
    encode.check_not_signs("g", np.array([-1, 0, 1]), ("a", "b"))
    with pytest.raises(ValueError, match="Received: -1 and 1, without 0"):
        encode.check_not_signs("g", np.array([-1, 1, 1]), ("a", "b"))


def test_weights():
    assert encode.weights("w", np.array([0, 2])).tolist() == [0, 2]
    for values, message in (
        ([1, -2], "not negative. Received: -2.0 in row 1"),
        ([np.nan, 1], "Received: nan in row 0"),
        (["a", "b"], "must have numbers as weights. Received: 'a'"),
    ):
        with pytest.raises(ValueError, match=f"Column 'w' .*{message}"):
            encode.weights("w", columns.read({"w": values})["w"])


def test_bins():
    ages = columns.read({"age": [29, 30, 49.5, 50, None]})["age"]
    codes, names = encode.bins("age", ages, (30, 50))
    assert codes.tolist() == [0, 1, 1, 2, -1]
    assert names == ("under 30", "30 to under 50", "50 and over")
    for edges in ((), (50, 30), (30, 30), (30, np.inf)):
        with pytest.raises(ValueError, match=r"`bins\['age'\]` must have finite edges"):
            encode.bins("age", ages, edges)
    with pytest.raises(ValueError, match="Column 'age' must have numbers"):
        encode.bins("age", np.array(["x"], object), (30, 50))


def test_ids():
    assert encode.check_ids("id", np.array([3, 1])).tolist() == ["3", "1"]
    with pytest.raises(ValueError, match="more than once: 'b', in rows 1 and 2"):
        encode.check_ids("id", np.array(["a", "b", "b"]))
    with pytest.raises(ValueError, match="Received: none in row 0"):
        encode.check_ids("id", np.array([None, "b"], object))
