"""Time and peak memory of pipelines.evaluate against the number of examples and models.

python benchmarks/evaluation.py [--examples 2000 8000 32000] [--models 1 2]
"""

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time

ATTRIBUTE_GROUPS = {"color": ("red", "green", "blue"), "age": ("young", "old")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, nargs="+", default=[2000, 8000, 32000])
    parser.add_argument("--models", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--csv", help="where to write the rows")
    parser.add_argument("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(*args.one)))
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print("examples  models  seconds  CPU seconds  peak MiB")
    rows = []
    for models in args.models:
        for examples in args.examples:
            # A process of its own: the peak is never forgotten.
            command = [sys.executable, __file__, "--one", str(examples), str(models)]
            output = subprocess.run(command, capture_output=True, text=True, check=True)
            row = json.loads(output.stdout.splitlines()[-1])
            rows.append({"examples": examples, "models": models, **row})
            print(f"{examples:8,}{models:8}", end="")
            print(f"{row['seconds']:9.1f}{row['cpu_seconds']:13.1f}", end="")
            print(f"{row['peak_mib']:10.0f}", flush=True)
    for name in ("seconds", "cpu_seconds"):
        _print_costs(rows, name)
    if args.csv:
        with open(args.csv, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _print_costs(rows: list[dict], name: str) -> None:
    """Fits seconds = fixed + per model + per model and thousand examples."""
    import numpy as np

    if len(rows) < 4:
        return
    models = np.array([row["models"] for row in rows])
    thousands = np.array([row["examples"] for row in rows]) / 1000
    terms = np.stack([np.ones_like(thousands), models, models * thousands], 1)
    seconds = np.array([row[name] for row in rows])
    fixed, model, each = np.linalg.lstsq(terms, seconds, rcond=None)[0]
    print(
        f"{name}: fixed {fixed:.1f}, a model {model:.1f}, "
        f"1,000 examples of a model {each:.2f}"
    )


def measure(examples: int, models: int) -> dict[str, float]:
    """Seconds, CPU seconds and peak memory of one evaluation, imports not counted."""
    from pipelines.evaluation import (
        comparisons,  # noqa: F401
        evaluate,
    )
    from pipelines.studies import config as configs

    dataset = _dataset(examples)
    configs.load_dataset = lambda config: dataset
    with tempfile.TemporaryDirectory() as workdir:
        _write_study(workdir, dataset, models)
        began, cpu = time.monotonic(), time.process_time()
        evaluate.evaluate(workdir)
        return {
            "seconds": round(time.monotonic() - began, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def _dataset(examples: int):
    """Two classes, two attributes, eight numbers; made as it is read."""
    import tensorflow as tf

    from kd_keras.datasets import Dataset, DatasetSpec

    spec = DatasetSpec(
        name="numbers",
        features={"x": tf.TensorSpec((8,), tf.float32)},
        label="y",
        class_names=("no", "yes"),
        groups=ATTRIBUTE_GROUPS,
    )

    def example(i: tf.Tensor) -> dict[str, tf.Tensor]:
        groups = {name: i % len(names) for name, names in ATTRIBUTE_GROUPS.items()}
        x = tf.random.stateless_normal((8,), tf.stack([i, i]))
        return {"x": x, "y": i // 7 % 2, "id": tf.strings.as_string(i), **groups}

    rows = tf.data.Dataset.range(examples).map(example)
    return Dataset(spec, {"test": rows})


def _write_study(workdir: str, dataset, models: int) -> None:
    """Writes config.json, and export and run.json of each model: the teachers'."""
    import keras

    from kd_keras import files
    from kd_keras.export import export
    from pipelines.studies import layout, run_record, sealed
    from pipelines.studies.layout import TEACHER, Run

    config = {
        "name": "numbers",
        "seeds": list(range(models)),
        "temperatures": [],
        "dataset": {"name": "numbers"},
        "evaluation": {"split": "test", "confidence_intervals": False},
    }
    sealed.write(files.join(workdir, "config.json"), {"config": config})
    for seed in range(models):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
        run = Run(TEACHER, seed)
        directory = layout.run_dir(workdir, run)
        export(model, dataset.spec, files.join(directory, "export"))
        run_record.write(directory, run, config, {})


if __name__ == "__main__":
    main()
