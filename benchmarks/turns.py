"""Competitors take turns, those with other settings in processes of their own."""

import csv
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any, NamedTuple


class Cost(NamedTuple):
    """Seconds of one turn, or the medians of several."""

    wall: float
    cpu: float

    def over(self, other: "Cost") -> str:
        wall, cpu = self.wall / other.wall, self.cpu / other.cpu
        return f"{wall:.3f} (CPU time {cpu:.3f})"

    def per(self, count: int, unit: float) -> str:
        wall, cpu = self.wall / count * unit, self.cpu / count * unit
        return f"{wall:.2f} (CPU {cpu:.2f})"


def measure(run: Callable[[], object]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def median(costs: Iterable[Cost]) -> Cost:
    return Cost(*map(statistics.median, zip(*costs, strict=True)))


def take_turns(
    competitors: Mapping[str, Callable[[], Cost]], rounds: int
) -> dict[str, list[Cost]]:
    """The costs of each; a round before the first one warms up."""
    costs: dict[str, list[Cost]] = {name: [] for name in competitors}
    for number in range(rounds + 1):
        for name, turn in competitors.items():
            cost = turn()
            if number:
                costs[name].append(cost)
            print(f"round {number}, {name}: {cost.wall:.2f} s", file=sys.stderr)
    return costs


def timed(competitors: Mapping[str, Callable[[], object]], rounds: int) -> dict:
    """Median `Cost` of each function, in this process."""

    def turn(run: Callable[[], object]) -> Callable[[], Cost]:
        return lambda: measure(run)

    turns = {name: turn(run) for name, run in competitors.items()}
    return {name: median(costs) for name, costs in take_turns(turns, rounds).items()}


class Process:
    """A process that waits for its turn.

    Args:
      module: its main calls `serve`.
      arguments: command line.
      environment: variable -> value, or None for a variable that is not to be set.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str | None],
    ):
        variables = {
            name: value
            for name, value in {**os.environ, **environment}.items()
            if value is not None
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()

    def call(self, name: str) -> tuple[Any, Cost]:
        """What the function of that name returned in the process, and its cost."""
        print(name, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The process died at {name!r}; see its output above.")
        result, cost = json.loads(answer)
        return result, Cost(*cost)

    def turn(self, name: str) -> Callable[[], Cost]:
        return lambda: self.call(name)[1]


def serve(functions: Mapping[str, Callable[[], Any]]) -> None:
    """Runs the functions that standard input names, until it ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        result, cost = _call(functions[line.strip()])
        print(json.dumps([result, cost]), file=answers, flush=True)


def _call(function: Callable[[], Any]) -> tuple[Any, Cost]:
    results: list[Any] = []
    cost = measure(lambda: results.append(function()))
    return results[0], cost


def peak_memory() -> float:
    """Of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> str:
    """Processor, number of cores, memory, versions."""
    with open("/proc/cpuinfo") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    cpu = {key.strip(): value.strip() for key, value in lines.items()}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    instructions = [name for name in ("avx2", "avx512f") if name in cpu["flags"]]
    packages = ("tensorflow", "keras", "numpy")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    return (
        f"{cpu['model name']} (family {cpu['cpu family']}, {', '.join(instructions)}), "
        f"{os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, {versions}"
    )


def write_csv(path: str, rows: Sequence[Mapping[str, object]]) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"wrote {path}")
