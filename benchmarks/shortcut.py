"""Who reads the color where the shape is asked for (shortcut learning, Geirhos 2020).

    python -m benchmarks.shortcut --workdir=runs/trifeature_correlated_fresh

In training the first color goes with the first shape, and so on. Of the test images
that have another color than their shape's: how many a model gets right, how many it
takes for the color's shape, and for how many that is the likeliest of the wrong shapes
(11.1 % by chance), in % over the seeds. Beside them the images whose color fits.
"""

import argparse

import numpy as np

from benchmarks.results_tables import markdown
from pipelines.studies import config as configs
from pipelines.studies import layout, predictions, run_record

COLUMNS = (
    "right, color fits %",
    "right, other color %",
    "taken for the color's shape %",
    "color's shape is the likeliest wrong one %",
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workdir", required=True)
    args = parser.parse_args()
    config = configs.read_config(args.workdir)
    spec = configs.load_dataset(config).spec
    found: dict[str, list[np.ndarray]] = {}
    for run in layout.complete_runs(args.workdir, layout.runs_of(config)):
        directory = layout.run_dir(args.workdir, run)
        kept = run_record.read(args.workdir, run, config)["files"]
        digest = kept["predictions/test.npz"]
        truth, logits = predictions.read(directory, "test", spec, digest)
        shares = of_model(truth.labels, truth.groups["color"], logits)
        found.setdefault(title(run), []).append(shares)
    rows = [[model, *mean_and_sd(seeds)] for model, seeds in found.items()]
    print(markdown(["model", *COLUMNS], rows))


def title(run: layout.Run) -> str:
    return f"T = {run.temperature:g}" if run.temperature else run.model


def of_model(labels: np.ndarray, matches: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The four shares, `[4]`.

    Args:
      labels: `[examples]`.
      matches: the class that goes with the example's color, `[examples]`.
      logits: `[examples, classes]`.
    """
    predicted = logits.argmax(axis=1)
    wrong = np.where(np.eye(logits.shape[1], dtype=bool)[labels], -np.inf, logits)
    fits = labels == matches
    return np.array(
        [
            np.mean((predicted == labels)[fits]),
            np.mean((predicted == labels)[~fits]),
            np.mean((predicted == matches)[~fits]),
            np.mean((wrong.argmax(axis=1) == matches)[~fits]),
        ]
    )


def mean_and_sd(seeds: list[np.ndarray]) -> list[str]:
    percent = 100 * np.stack(seeds)
    spread = percent.std(axis=0, ddof=1)
    return [
        f"{mean:.1f} ± {sd:.1f}"
        for mean, sd in zip(percent.mean(axis=0), spread, strict=True)
    ]


if __name__ == "__main__":
    main()
