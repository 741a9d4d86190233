"""HateXplain and HateCheck as tables of the same columns: text, label, groups, id.

python -m benchmarks.hate_tables --hatexplain=hatexplain.jsonl.gz \
    --hatecheck=hatecheck_test_suite_cases.csv --output=DIRECTORY

A post is toxic if the majority of its three annotators says hatespeech, or offensive;
posts without a majority are left out. Validation and test posts are measured together,
for the groups are small. The group of a post is the community that it is about.
"""

import argparse
import pathlib
from collections.abc import Collection

import pandas as pd

from kd_keras.datasets.hatexplain.rules import CLASSES, COMMUNITIES

RACES = {*COMMUNITIES["race"]} - {"African"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hatexplain", required=True)
    parser.add_argument("--hatecheck", required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    posts = pd.read_json(args.hatexplain, lines=True)
    cases = pd.read_csv(args.hatecheck)
    hatexplain(posts).to_parquet(args.output / "hatexplain.parquet", index=False)
    hatecheck(cases).to_parquet(args.output / "hatecheck.parquet", index=False)


def hatexplain(posts: pd.DataFrame) -> pd.DataFrame:
    """Posts with a majority: text, label, race, gender, id, split.

    "targets_majority" are communities that two of three annotators name. Only the posts
    that are measured have it; the others have "targets_longest".
    """
    posts = posts[posts["split"].notna()]
    names = posts["targets_majority"].where(
        posts["targets_majority"].notna(), posts["targets_longest"]
    )
    return pd.DataFrame(
        {
            "text": posts["text"],
            "label": posts["label"].map(CLASSES),
            "race": names.map(race),
            "gender": names.map(gender),
            "id": posts["id"],
            "split": posts["split"].replace("val", "test"),
        }
    )


def race(communities: Collection[str]) -> str:
    """African, also where others are named beside it; another race; or no race."""
    if "African" in communities:
        return "African"
    return "other" if RACES & set(communities) else "none"


def gender(communities: Collection[str]) -> str | None:
    """Women, also where men are named beside them; no gender; None for men alone."""
    if "Women" in communities:
        return "Women"
    return None if "Men" in communities else "none"


def hatecheck(cases: pd.DataFrame) -> pd.DataFrame:
    """Cases that are about a group: text, label, target, id."""
    cases = cases[cases["target_ident"].notna()]
    toxic = cases["label_gold"].map({"hateful": "toxic", "non-hateful": "normal"})
    return pd.DataFrame(
        {
            "text": cases["test_case"],
            "label": toxic,
            "target": cases["target_ident"],
            "id": cases["case_id"],
        }
    )


if __name__ == "__main__":
    main()
