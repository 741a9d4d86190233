"""The example of people: from a raw file to a verdict, as a person runs it."""

import csv
import json
import os
import pathlib
import re
import runpy
import subprocess
import sys

import pytest

from examples import people
from pipelines.studies import new


def test_a_first_config_says_what_was_decided(tmp_path):
    path = tmp_path / "people.csv"
    people.clean(people.raw_people()).to_csv(path, index=False)
    found = new.write(str(path), "paid", ["born", "sex", "age"])
    text = "\n".join(found.decided)
    assert re.search(r"classes defaulted \([\d,]+\), paid \([\d,]+\)\n", text)
    assert "paid is positive" in text
    assert "age is a number, cut at its quartiles [" in text
    assert re.search(
        r"the groups of age are [^:]* and over \([\d,]+\), under \d+", text
    )
    assert "as number: hours, years" in text
    assert "as category: country_code" in text
    assert "('?',) stand for a missing value" in text
    assert re.search(r"missing values are in (\w+ \(\d+\)(, )?)+: a number", text)
    config = pathlib.Path(found.config).read_text()
    assert all(f"# - {line}\n" in config for line in found.decided)
    with pytest.raises(ValueError, match=r"people\.py and .*_policy\.py are there"):
        new.write(str(path), "paid", ["born"])
    pathlib.Path(found.config).unlink()
    with pytest.raises(ValueError, match=r"people_policy\.py is there already"):
        new.write(str(path), "paid", ["born"])
    pathlib.Path(found.policy).unlink()
    with pytest.raises(ValueError, match=r"`--groups` names a column.*'gender'"):
        new.write(str(path), "paid", ["gender"])
    with pytest.raises(ValueError, match="'hours' must be a class"):
        new.write(str(path), "hours", ["born"])


def _written(tmp_path, rows, **options):
    path = tmp_path / "t.csv"
    path.write_text("id,sex,hours,Debt (CHF),ok\n" + "".join(rows))
    return new.write(str(path), "ok", ["sex"], **options)


def test_a_slip_of_the_pen_and_names_that_no_model_takes_are_said(tmp_path):
    rows = [
        f"p{i},{'fm'[i % 2]},{i},{i}.5,{('yes', 'no')[i % 3 > 0]}\n" for i in range(60)
    ]
    rows += ["p60,F,1,2,yes\n", "p61,,1,2,no\n"]
    with pytest.raises(ValueError, match=r"'No' and 'no' in ok differ by case"):
        _written(tmp_path, [*rows, "p62,f,1,2,No\n"])
    found = _written(tmp_path, rows, positive="no")
    text = "\n".join(found.decided)
    assert "classes no (41), yes (21)\nno is positive" in text
    assert "F (1), f (30), m (30), missing (1); who is missing is in no group" in text
    assert "BUT 'F' and 'f' in sex differ by case or blanks alone" in text
    assert "BUT of sex F the test split will have about 0 examples of no" in text
    assert "models know Debt (CHF) as Debt_CHF" in text
    assert "'class_names': ('yes', 'no')" in pathlib.Path(found.config).read_text()


def test_what_is_in_the_table_is_no_code(tmp_path, capsys):
    """A cell with a line break must not end the comment that names it."""
    evil = "m\n    print('a cell ran')\r    print('a cell ran')  #"
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["hours", "a-b", "a_b", "ok"])
        for i in range(60):
            rows.writerow(
                [i, ("f", evil)[i % 2], "xyz"[i % 3], ("no", "yes")[i % 4 > 1]]
            )
    found = new.write(str(path), "ok", ["a-b", "a_b"])
    config = runpy.run_path(found.config)["get_config"]()
    assert "a cell ran" not in capsys.readouterr().out
    assert config.attributes == ("a-b", "a_b")
    # Attributes of like names have conditions of their own.
    conditions = runpy.run_path(found.policy)["get_config"]().conditions
    assert {c.attribute for c in conditions.values() if "attribute" in c} == {
        *("a-b", "a_b")
    }
    assert len(conditions) == 5


def test_how_sure_the_gate_can_be_of_a_table_is_said(tmp_path):
    rows = [
        f"p{i},{'fm'[i % 2]},2026-01-{i % 28 + 1:02d},{i},{('no', 'yes')[i % 4 == 1]}\n"
        for i in range(1000)
    ]
    found = _written(tmp_path, rows)
    text = "\n".join(found.decided)
    # All 250 of m are yes or no in equal parts; 30 % of them judge. f has no yes.
    assert "of the rows 20 % choose (validation) and 30 % judge (test)" in text
    assert "BUT of sex f the test split will have about 0 examples of yes" in text
    assert "hours is no feature, for it looks like dates" in text
    config = pathlib.Path(found.config).read_text()
    assert "'validation_fraction': 0.2,\n        'test_fraction': 0.3," in config
    # No category: the fewest bins that there are.
    assert "hidden_units=(4,), num_bins=16, embedding_dim=2" in config


def test_a_bound_that_so_few_rows_cannot_decide_is_said(tmp_path):
    rows = [
        f"p{i},{'fm'[i % 2]},{i},{i},{('no', 'yes')[i // 2 % 2]}\n" for i in range(1000)
    ]
    text = "\n".join(_written(tmp_path, rows).decided)
    # 250 of each sex are yes, 75 of them judge: 1.96 * .5 / sqrt(75) is .113.
    assert "about 75 examples of no: it will know that rate to 11 points" in text


def test_a_share_is_cut_to_two_digits(tmp_path):
    rows = [f"p{i},{i / 400},{i},{i},{('<=5', '>5')[i % 2]}\n" for i in range(400)]
    text = "\n".join(_written(tmp_path, rows).decided)
    # The quartiles of 0 to 399 are 99.75, 199.5 and 299.25.
    assert "sex is a number, cut at its quartiles [0.25, 0.5, 0.75]" in text
    assert "0.25 to under 0.5 (100)" in text
    # A shell would read a file called "=5".
    assert "If it is the other one: '--positive=<=5'" in text


@pytest.mark.parametrize("values", [("f", "f"), ("7", "7"), ("f", "")])
def test_a_column_of_one_group_is_refused(tmp_path, values):
    rows = [f"p{i},{values[i % 2]},{i},{i},{'ny'[i // 2 % 2]}\n" for i in range(60)]
    with pytest.raises(ValueError, match=r"--groups names 'sex', in which all are in"):
        _written(tmp_path, rows)


def test_what_cannot_be_is_refused_where_the_config_is_written(tmp_path):
    rows = [
        f"p{i % 59},{'fm'[i % 2]},{i},{i},{('yes', 'no')[i % 2]}\n" for i in range(60)
    ]
    with pytest.raises(ValueError, match=r"'id' must have an id of its own.*'p0', in"):
        _written(tmp_path, rows)
    with pytest.raises(ValueError, match=r"--positive must be one of.*'maybe'"):
        _written(tmp_path, rows[:59], positive="maybe")


@pytest.mark.slow
def test_from_a_raw_file_to_the_gate(tmp_path):
    done = subprocess.run(
        [sys.executable, people.__file__, tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    # The verdict is the policy's: both are answers.
    assert done.returncode in (0, 2), done.stderr
    (verdict,) = (tmp_path / "people_study").glob("*/*/blessing/verdict.json")
    found = json.loads(verdict.read_text())
    assert found["blessed"] == (done.returncode == 0)
    assert {c["name"] for c in found["conditions"]} >= {"accuracy", "eod_born"}
    assert (tmp_path / "people_study" / "report.html").exists()
    # 4,200 people are trained and validated on, 1,800 are measured; one in six of
    # them was born elsewhere.
    assert (
        "split of 1,800 examples"
        in (tmp_path / "people_study" / "report.html").read_text()
    )
