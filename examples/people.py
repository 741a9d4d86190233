"""From a raw file of people to a verdict: pandas, then four commands.

python examples/people.py DIRECTORY
"""

import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd

ROWS = 6000
# Quick to run; leave them out for a real study.
QUICK = ("--config.seeds=(0, 1)", "--config.temperatures=(1.0, 4.0)")


def raw_people() -> pd.DataFrame:
    """People as a form gives them, and whether a loan was paid back.

    Up to 30 hours more work helps those born here, and is no sign of anything for those
    born elsewhere, one in six: a small model learns the rule of the many.
    """
    rng = np.random.default_rng(0)
    born = rng.choice(["here", "elsewhere", "?"], ROWS, p=[0.8, 0.17, 0.03])
    hours = rng.normal(38, 9, ROWS).round(1)
    years = rng.integers(0, 20, ROWS)
    sign = np.where(born == "elsewhere", -1.0, 1.0)
    score = sign * (hours - 38) / 9 + (years - 10) / 12 + rng.normal(0, 0.4, ROWS)
    people = pd.DataFrame(
        {
            "Person ID": [f"p{i}" for i in range(ROWS)],
            "Born": born,
            "Sex": rng.choice(["f", "m", "F", "M"], ROWS),
            "Age": rng.integers(19, 70, ROWS),
            "Hours": hours,
            "Years": years,
            "Country code": np.where(born == "elsewhere", "ZZ", "AA"),
            "Paid": np.where(score > 0, "paid", "defaulted"),
        }
    )
    people.loc[::40, "Hours"] = np.nan
    return pd.concat([people, people.head(20)])  # Some have sent the form twice.


def clean(raw: pd.DataFrame) -> pd.DataFrame:
    """One row a person, one spelling a value."""
    people = raw.rename(columns=lambda name: name.lower().replace(" ", "_"))
    people = people.drop_duplicates("person_id")
    return people.assign(sex=people["sex"].str.lower())


def main(directory: str) -> int:
    """Runs all of it below a directory; returns the gate's exit code."""
    folder = pathlib.Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "people.csv"
    clean(raw_people()).to_csv(table, index=False)
    workdir = f"--workdir={folder / 'people_study'}"
    policy = f"--policy={folder / 'people_policy.py'}"
    _run("new", f"--table={table}", "--label=paid", "--groups=born,sex,age")
    _run("study", f"--config={folder / 'people.py'}", workdir, *QUICK)
    _run("select", workdir, policy)
    return _run("gate", workdir, policy)


def _run(name: str, *flags: str) -> int:
    command = [sys.executable, "-m", f"pipelines.{name}", *flags]
    print("$", *command, flush=True)
    # 2: the gate has refused.
    code = subprocess.run(command).returncode
    if code not in (0, 2):
        sys.exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
