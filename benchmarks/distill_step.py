"""Measures a distillation step: kd_keras, keras.distillation, PyTorch, and the parts.

    python -m benchmarks.distill_step --torch-path=DIRECTORY

The competitors train the same student with the same teacher, weights and batches; that
they compute the same loss is checked first. They take turns, those with other settings
of TensorFlow in processes of their own. Figures are medians over the rounds.

--torch-path names a directory that PyTorch and torchdistill were installed into (pip
install --target DIRECTORY torch torchdistill); without it they are left out.
"""

import argparse
import contextlib
import os
import statistics
import tempfile

import numpy as np

from benchmarks import turns

TEMPERATURE, ALPHA, LEARNING_RATE = 4.0, 0.8, 0.01
ONEDNN, QUIET = "TF_ENABLE_ONEDNN_OPTS", {"TF_CPP_MIN_LOG_LEVEL": "3"}
CLASSES = 10
# Process -> what takes turns in it.
COMPETITORS = {
    "ours": (
        "student alone",
        "teacher's predict",
        "kd_keras, live",
        "kd_keras, cached",
    ),
    "stock": ("keras.distillation",),
    "without oneDNN": ("keras.distillation, without oneDNN",),
    "torch": (
        "torch",
        "torch, channels last",
        "torch, channels last, compiled",
        "torch, channels last, cached",
    ),
}
# (competitor, what it is measured against)
RATIOS = (
    ("kd_keras, live", "the sum of the parts"),
    ("kd_keras, live", "keras.distillation"),
    ("kd_keras, live", "keras.distillation, without oneDNN"),
    ("kd_keras, live", "torch"),
    ("kd_keras, live", "torch, channels last"),
    ("kd_keras, live", "torch, channels last, compiled"),
    ("kd_keras, cached", "student alone"),
    ("kd_keras, cached", "keras.distillation"),
    ("kd_keras, cached", "torch, channels last, cached"),
)


def write_data(path: str, teacher: str, student: str, examples: int) -> None:
    """Images, labels and the weights of both models; all competitors read them."""
    import keras

    from kd_keras import models

    rng = np.random.default_rng(0)
    data = {
        "images": rng.integers(0, 256, (examples, 32, 32, 3), dtype=np.uint8),
        "labels": rng.integers(0, CLASSES, examples),
        "classes": CLASSES,
    }
    for seed, (role, name) in enumerate((("teacher", teacher), ("student", student))):
        keras.utils.set_random_seed(seed)
        weights = models.build(name, (32, 32, 3), CLASSES).get_weights()
        if role == "teacher":
            # Where no moving statistics were learned, logits grow with the depth.
            weights[-2] *= 1e-4
        data[role] = len(weights)
        data |= {f"{role}{i}": weight for i, weight in enumerate(weights)}
    np.savez(path, **data)


def start(
    stack: contextlib.ExitStack, arguments: list[str], torch_path: str
) -> dict[str, turns.Process]:
    """The processes, each with its settings."""

    def process(module: str, *more: str, **environment: str | None) -> turns.Process:
        return stack.enter_context(
            turns.Process(module, [*arguments, *more], {**QUIET, **environment})
        )

    processes = {
        "ours": process("benchmarks.steps_keras", **{ONEDNN: "1"}),
        # TensorFlow's default depends on the processor.
        "stock": process("benchmarks.steps_keras", "--peer=", **{ONEDNN: None}),
        "without oneDNN": process(
            "benchmarks.steps_keras", "--peer=, without oneDNN", **{ONEDNN: "0"}
        ),
    }
    if torch_path:
        path = os.pathsep.join([os.path.abspath(torch_path), os.getcwd()])
        processes["torch"] = process("benchmarks.steps_torch", PYTHONPATH=path)
    return processes


def check_losses(processes: dict[str, turns.Process]) -> None:
    """Raises a ValueError unless all compute the same loss of the first batch."""
    losses = {name: process.call("loss")[0] for name, process in processes.items()}
    losses["cached"] = processes["ours"].call("cached loss")[0]
    print("loss of the first batch: " + str(losses))
    for name, loss in losses.items():
        # The cache is float16.
        if abs(loss / losses["ours"] - 1) > 1e-3:
            raise ValueError(f"{name} does not compute the loss of kd_keras: {losses}.")


def competitors(processes: dict[str, turns.Process]) -> dict:
    return {
        name: process.turn(name)
        for group, process in processes.items()
        for name in COMPETITORS[group]
    }


def arithmetic(processes: dict[str, turns.Process], args: argparse.Namespace) -> float:
    """Seconds of a step whose operations all ran at the speed of a matrix product.

    A training step counts three times the student's forward pass: the pass itself, the
    gradients of the activations and those of the weights.
    """
    ours = processes["ours"]
    operations, _ = ours.call("billion operations")
    a_step = args.batch_size * (operations["teacher"] + 3 * operations["student"])
    ours.call("multiply matrices")
    products = [ours.call("multiply matrices") for _ in range(9)]
    speed = products[0][0] / statistics.median(cost.wall for _, cost in products)
    least = a_step / speed
    print(
        f"a step has {a_step:.2f} billion floating-point operations; a matrix product "
        f"does {speed:.0f} billion a second, at which they take {least * 1e3:.1f} ms"
    )
    return least


def compare(teacher: str, student: str, args: argparse.Namespace) -> list[dict]:
    """Measures one pair, prints ratios, returns a row per competitor."""
    steps = args.steps if "resnet" in student else 4 * args.steps
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        data = f"{directory}/data.npz"
        write_data(data, teacher, student, steps * args.batch_size)
        values = {
            "teacher": teacher,
            "student": student,
            "data": data,
            "batch-size": args.batch_size,
            "temperature": TEMPERATURE,
            "alpha": ALPHA,
            "learning-rate": LEARNING_RATE,
        }
        arguments = [f"--{name}={value}" for name, value in values.items()]
        processes = start(stack, arguments, args.torch_path)
        check_losses(processes)
        least = arithmetic(processes, args)
        costs = turns.take_turns(competitors(processes), args.rounds)
    costs["the sum of the parts"] = [
        turns.Cost(*map(sum, zip(*pair, strict=True)))
        for pair in zip(costs["student alone"], costs["teacher's predict"], strict=True)
    ]
    found = {name: turns.median(values) for name, values in costs.items()}
    pair = f"{teacher} -> {student}"
    print(f"\n{pair}, batch {args.batch_size}, {steps} steps a round, {args.rounds}")
    for name, cost in found.items():
        print(f"  {name:36} {cost.per(steps, 1e3)} ms a step")
    for name, other in RATIOS:
        if other in found:
            print(f"  {name} over {other}: {found[name].over(found[other])}")
    theirs = found["keras.distillation"].wall / steps
    print(f"  the operations alone over keras.distillation: {least / theirs:.3f}")
    return [
        {
            "pair": pair,
            "competitor": name,
            "batch": args.batch_size,
            "steps": steps,
            "rounds": args.rounds,
            "ms": round(cost.wall / steps * 1e3, 2),
            "cpu_ms": round(cost.cpu / steps * 1e3, 2),
            "ms_least": round(min(costs[name]).wall / steps * 1e3, 2),
            "ms_most": round(max(costs[name]).wall / steps * 1e3, 2),
        }
        for name, cost in found.items()
    ]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs", nargs="*", default=["resnet56:resnet20", "resnet20:lenet5"]
    )
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch-path", default="")
    parser.add_argument("--csv", default="")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    os.environ.update(QUIET)
    print(turns.machine())
    rows = []
    for pair in args.pairs:
        rows += compare(*pair.split(":"), args)
    if args.csv:
        turns.write_csv(args.csv, rows)


if __name__ == "__main__":
    main()
