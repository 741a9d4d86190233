"""Measures a sweep of temperatures: a study of kd_keras, a loop of keras.distillation.

    python -m benchmarks.study

Both train the same student of the same teacher once for each temperature; kd_keras
runs the teacher once, keeps its logits, and traces the student's step once. The two
take turns, in processes of their own: keras.distillation runs with the defaults of
TensorFlow and Keras. A sweep of ten is the cache, the first run, and nine times the
median of the others; --temperatures says how many are run, at least two.
The growth with data, students and classes is that of LeNet-5 students.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
from typing import NamedTuple

from benchmarks import turns

SWEEP = 10


class Setting(NamedTuple):
    """A row: models, side of the images, classes, batch."""

    teacher: str
    student: str
    size: int
    classes: int
    batch_size: int
    steps: int


SETTINGS = {
    "resnet": Setting("resnet56", "resnet20", 32, 10, 128, 32),
    "vit": Setting("vit_b16", "tinyvit_5m", 224, 1000, 8, 4),
}
GROWTH = Setting("resnet20", "lenet5", 32, 10, 64, 32)


def arguments(setting: Setting, epochs: int) -> list[str]:
    values = {**setting._asdict(), "epochs": epochs}
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]


def measure(name: str, args: argparse.Namespace) -> list[dict]:
    """A row for each competitor: seconds of a sweep, of its parts, of a step."""
    setting = SETTINGS[name]
    given = arguments(setting, args.epochs)
    module = "benchmarks.sweep_keras"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    with contextlib.ExitStack() as stack:
        ours, stock, without = (
            stack.enter_context(
                turns.Process(module, given, {**quiet, "TF_ENABLE_ONEDNN_OPTS": value})
            )
            # TensorFlow's default depends on the processor.
            for value in ("1", None, "0")
        )
        cache = ours.call("cache")[1].wall
        competitors = {
            "kd_keras": (ours, "ours"),
            "keras.distillation": (stock, "theirs"),
            "keras.distillation, without oneDNN": (without, "theirs"),
        }
        runs: dict[str, list] = {competitor: [] for competitor in competitors}
        for number in range(args.temperatures):
            for competitor, (process, function) in competitors.items():
                epochs, cost = process.call(function)
                runs[competitor].append((cost.wall, epochs))
                print(f"T={number + 1}, {competitor}: {cost.wall:.1f} s", flush=True)
    return [
        _row(
            name, setting, competitor, values, cache if competitor == "kd_keras" else 0
        )
        for competitor, values in runs.items()
    ]


def _row(
    name: str, setting: Setting, competitor: str, runs: list, cache: float
) -> dict:
    first, *others = (seconds for seconds, _ in runs)
    run = statistics.median(others)
    # The first epoch traces.
    later = statistics.median(s for _, epochs in runs for s in epochs[1:])
    return {
        "row": name,
        "pair": f"{setting.teacher} -> {setting.student}",
        "pixels": setting.size,
        "batch": setting.batch_size,
        "steps": setting.steps,
        "competitor": competitor,
        "temperatures_run": len(runs),
        "cache_s": round(cache, 2),
        "first_run_s": round(first, 2),
        "run_s": round(run, 2),
        "sweep_s": round(cache + first + (SWEEP - 1) * run, 1),
        "epoch_s": round(later, 3),
        "fixed_s": round(run - statistics.median(sum(s) for _, s in runs[1:]), 2),
        "cache_and_ten_epochs_s": round(cache + SWEEP * later, 2),
    }


def report(rows: list[dict]) -> None:
    ours = rows[0]
    print(
        f"{ours['pair']}: {ours['fixed_s']} s of a later run of kd_keras are no epochs"
    )
    for row in rows:
        print(
            f"{row['pair']}, {row['competitor']}: ten temperatures {row['sweep_s']} s, "
            f"an epoch of {row['steps']} steps {row['epoch_s']} s; kd_keras takes "
            f"{ours['sweep_s'] / row['sweep_s']:.3f} of it, without the time to trace "
            f"{ours['cache_and_ten_epochs_s'] / row['cache_and_ten_epochs_s']:.3f}, "
            f"without that of the cache either {ours['epoch_s'] / row['epoch_s']:.3f}",
            flush=True,
        )


def grow(args: argparse.Namespace) -> list[dict]:
    """Time and peak memory of ours with more data, students, classes."""
    rows = []
    for what in ("data", "students", "classes"):
        for factor in args.factors:
            setting = GROWTH._replace(
                steps=GROWTH.steps * (factor if what == "data" else 1),
                classes=GROWTH.classes * (factor if what == "classes" else 1),
            )
            students = factor if what == "students" else 1
            command = [sys.executable, "-m", "benchmarks.sweep_keras"]
            command += [*arguments(setting, args.epochs), f"--students={students}"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            wall, cpu, memory = map(float, done.stdout.split())
            rows.append(
                {
                    "growing": what,
                    "factor": factor,
                    "seconds": round(wall, 2),
                    "cpu_seconds": round(cpu, 2),
                    "peak_MiB": round(memory),
                }
            )
            print(rows[-1], flush=True)
    return rows


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="*", default=list(SETTINGS))
    parser.add_argument("--temperatures", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--factors", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--csv", default="")
    parser.add_argument("--growth-csv", default="")
    args = parser.parse_args()
    if args.temperatures < 2:
        parser.error(f"--temperatures must be at least 2, not {args.temperatures}")
    return args


def main() -> None:
    args = parse_arguments()
    print(turns.machine())
    rows = []
    for name in args.rows:
        found = measure(name, args)
        report(found)
        rows += found
    if args.csv and rows:
        turns.write_csv(args.csv, rows)
    growth = grow(args) if args.factors else []
    if args.growth_csv and growth:
        turns.write_csv(args.growth_csv, growth)


if __name__ == "__main__":
    main()
