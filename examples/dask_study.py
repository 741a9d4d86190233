"""Spreads a study over the workers of a Dask cluster.

    python examples/dask_study.py --config=configs/demo.py --workdir=runs/demo

Without --scheduler it starts --parts processes on this machine. The workers have to see
the same --workdir. Further flags are those of pipelines.study.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence

import distributed


def train_part(flags: Sequence[str], shard: str) -> str:
    """Makes one shard of a study in a process of its own; returns what it says."""
    command = [sys.executable, "-m", "pipelines.study", *flags, f"--shard={shard}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"shard {shard}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    parser.add_argument("--parts", type=int, default=2, help="number of shards")
    args, others = parser.parse_known_args()
    flags = [f"--config={args.config}", f"--workdir={args.workdir}", *others]
    if args.scheduler:
        cluster = distributed.Client(args.scheduler)
    else:
        # A worker that waits for TensorFlow needs no share of the memory.
        cluster = distributed.Client(
            n_workers=args.parts,
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address=None,
            host="127.0.0.1",
        )
    with cluster as client:
        shards = [f"{part}/{args.parts}" for part in range(args.parts)]
        trained = [client.submit(train_part, flags, s, pure=False) for s in shards]
        for said in client.gather(trained):
            print(said, flush=True)


if __name__ == "__main__":
    main()
