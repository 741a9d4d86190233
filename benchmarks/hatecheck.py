"""How the models of a HateXplain study do on HateCheck, by the group that is attacked.

    python -m benchmarks.hatecheck --workdir=runs/hatexplain \
        --table=DATA/hatecheck_seen.parquet --output=hatecheck.csv

The table is what benchmarks.hate_tables and benchmarks.hidden_features make of
HateCheck. The .csv has a row for each run and target: the shares of hateful cases that
are found, and of others that are spared. Prints their means over the seeds; "gap" is
the best found target minus the worst one.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from scipy import stats

from kd_keras import export
from pipelines.studies import config as configs
from pipelines.studies import exports, layout, run_record
from pipelines.studies.layout import Run

SHARES = ["found", "spared"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--output", required=True)
    args = parser.parse_args()
    cases = pd.read_parquet(args.table)
    config = configs.read_config(args.workdir)
    runs = layout.runs_of(config)
    rows = pd.concat([shares(args.workdir, config, run, cases) for run in runs])
    rows.to_csv(args.output, index=False, float_format="%.6f")
    show(rows, [*dict.fromkeys(rows["model"])])


def shares(
    workdir: str, config: Mapping[str, Any], run: Run, cases: pd.DataFrame
) -> pd.DataFrame:
    """What a run's export finds and spares of each target."""
    path, _ = exports.verify(workdir, run, run_record.read(workdir, run, config))
    loaded = export.load(path)
    serve = loaded.signatures["serving_features"]
    features = {
        name: tf.constant(np.stack(cases[name]))
        for name in serve.structured_input_signature[1]
    }
    toxic = serve(**features)["probabilities"].numpy()[:, 1] > 0.5
    hateful = (cases["label"] == "toxic").to_numpy()
    by_target = pd.DataFrame(
        {
            "target": cases["target"],
            "found": np.where(hateful, toxic, np.nan),
            "spared": np.where(hateful, np.nan, ~toxic),
        }
    ).astype(dict.fromkeys(SHARES, float))
    found = by_target.groupby("target")[SHARES].mean().reset_index()
    return found.assign(model=run.name, seed=run.seed)[
        ["model", "seed", "target", *SHARES]
    ]


def show(rows: pd.DataFrame, models: list[str]) -> None:
    for share in SHARES:
        table = rows.pivot_table(
            index=["model", "seed"], columns="target", values=share
        )
        targets = 100 * table
        table = targets.assign(
            mean=targets.mean(axis=1), gap=targets.max(axis=1) - targets.min(axis=1)
        )
        print(f"\n{share}, %, mean and sd over the seeds\n")
        print("| model | " + " | ".join(table.columns) + " |")
        print("|---" * (1 + len(table.columns)) + "|")
        for model in models:
            seeds = table.loc[model]
            cells = zip(seeds.mean(), seeds.std(), strict=True)
            row = " | ".join(f"{m:.1f} ± {s:.1f}" for m, s in cells)
            print(f"| {model} | {row} |")
        for other in ("student-t01", "student-nds", "teacher"):
            change = table.loc["student-t10", "gap"] - table.loc[other, "gap"]
            low, high = stats.ttest_1samp(change, 0).confidence_interval(0.95)
            print(
                f"gap of student-t10 minus that of {other}, points: "
                f"{change.mean():+.1f} ({low:+.1f} to {high:+.1f})"
            )


if __name__ == "__main__":
    main()
