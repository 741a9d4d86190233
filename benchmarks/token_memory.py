"""Peak memory of a step of a language model: hard loss alone, and with a teacher.

    python -m benchmarks.token_memory

Models are an embedding, a layer and a head of random weights: what a step holds beside
[batch, time, vocabulary] is small. Each way runs in a process of its own and takes two
steps; its peak is the largest resident memory less that before the first step, so that
weights and TensorFlow do not count, and gradients and the graph do.
"""

import argparse
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

WAYS = ("hard loss alone", "teacher, in chunks", "teacher, all at once")


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (
        ("batch", 4),
        ("time", 256),
        ("vocabulary", 49152),
        ("width", 576),
        ("chunk", 16),
    ):
        result.add_argument(f"--{name}", type=int, default=default)
    result.add_argument("--jit", action="store_true", help="compile with XLA")
    result.add_argument("--way", choices=WAYS, help="measure it here, and print JSON")
    return result


def step(way: str, options: argparse.Namespace) -> Callable[[], Any]:
    """A function that takes one training step."""
    import keras
    import numpy as np

    from kd_keras import Distiller

    def language_model() -> keras.Model:
        ids = keras.Input((options.time,), dtype="int32")
        hidden = keras.layers.Embedding(options.vocabulary, options.width)(ids)
        hidden = keras.layers.Dense(options.width, "tanh")(hidden)
        return keras.Model(ids, keras.layers.Dense(options.vocabulary)(hidden))

    model = language_model()
    if way != WAYS[0]:
        chunk = options.chunk if way == WAYS[1] else None
        model = Distiller(student=model, teacher=language_model(), time_chunk=chunk)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=options.jit)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, options.vocabulary, (2, options.batch, options.time))
    return lambda: model.train_on_batch(x.astype("int32"), y.astype("int32"))


def peak(way: str, options: argparse.Namespace) -> float:
    """MiB that two steps take at most."""
    take = step(way, options)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # The peak is that from now.
    before = _memory("VmRSS")
    take()
    take()
    return _memory("VmHWM") - before


def _memory(field: str) -> float:
    """MiB of a field of /proc/self/status."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def main() -> None:
    options = parser().parse_args()
    if options.way:
        print(json.dumps(peak(options.way, options)))
        return
    command = [sys.executable, "-m", "benchmarks.token_memory", *sys.argv[1:], "--way"]
    peaks = {
        way: json.loads(
            subprocess.run([*command, way], check=True, stdout=subprocess.PIPE).stdout
        )
        for way in WAYS
    }
    report(peaks, options)


def report(peaks: dict[str, float], options: argparse.Namespace) -> None:
    """Prints the peaks, and how many arrays of all logits they are."""
    array = 4 * options.batch * options.time * options.vocabulary / 2**20
    print(f"one array [batch, time, vocabulary] of float32: {array:.0f} MiB")
    print("| | peak, MiB | arrays | over the hard loss alone |\n|---|---|---|---|")
    for way, value in peaks.items():
        ratio = value / peaks[WAYS[0]]
        print(f"| {way} | {value:.0f} | {value / array:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
