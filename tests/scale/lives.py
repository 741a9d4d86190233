"""Makes one tiny study undisturbed, through kills, and on a full disk.

python tests/scale/lives.py DIRECTORY KILLS [SEED] writes below DIRECTORY: `one`,
`killed0`, ..., `full`; one log per process; lives.json. Every other kill is a SIGTERM,
every other life trains in two processes. Mounting a small disk takes root; without it
`full` is missing.
"""

import functools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import forks

# Longest life in seconds before a kill: about what the undisturbed study takes.
LONGEST = 30.0


def main(directory, kills, seed=0):
    directory = pathlib.Path(directory)
    live = functools.partial(_live, directory)
    began = time.monotonic()
    report = {"one": live("one").wait(), "seconds": time.monotonic() - began}
    report["terminated"] = _terminate(live, directory / "killed0" / "teacher")
    report["full"] = _fill(live, directory / "full")
    report |= disturb(directory, kills, seed)
    (directory / "lives.json").write_text(json.dumps(report))


def _live(directory, name, workers=0):
    """A life that makes the study `name`; its log is `<name>.<number>.log`."""
    number = len(list(directory.glob("*.log")))
    data = f"--config.dataset.data_dir={directory / 'data'}"
    log = directory / f"{name}.{number}.log"
    log.touch()
    flags = (*forks.TINY, data, f"--workdir={directory / name}", f"--workers={workers}")
    return forks.Life(forks.make_study, *flags, log=log)


def disturb(directory, kills, seed):
    """Makes the studies `killed0`, `killed1`, ... until as many lives were ended.

    Returns:
      Under "killed" the exit codes of the lives that made a study complete, under
      "half" the files that half-complete directories lacked, under "slowest" the
      seconds of the slowest end.
    """
    moments = random.Random(seed)
    report = {"killed": [], "half": [], "slowest": 0.0}
    lives = 0
    while True:
        workdir = f"killed{len(report['killed'])}"
        life = _live(directory, workdir, workers=2 * (lives % 2))
        lives += 1
        end = time.monotonic() + moments.uniform(0.0, LONGEST)
        while not life.ended() and (not kills or time.monotonic() < end):
            time.sleep(0.01)
        if life.code is None:
            began = time.monotonic()
            life.kill(signal.SIGTERM if kills % 2 else signal.SIGKILL)
            life.wait()
            report["slowest"] = max(report["slowest"], time.monotonic() - began)
            kills -= 1
            report["half"] += half_complete(directory / workdir)
            continue
        report["killed"].append(life.code)
        if not kills:
            return report


def _terminate(live, runs):
    """Ends a life by SIGTERM within the first run; its exit code, and in how long."""
    life = live("killed0")
    while not (life.ended() or list(runs.glob("*.partial/history.csv"))):
        time.sleep(0.01)
    began = time.monotonic()
    life.kill(signal.SIGTERM)
    return life.wait(), time.monotonic() - began


def _fill(live, workdir):
    """Exit codes on a disk that is full, has room again, and is read-only at last."""
    workdir.mkdir()
    mounted = ["tmpfs", workdir, "-t", "tmpfs", "-o", "size=600k"]
    if subprocess.run(["mount", *mounted], capture_output=True).returncode:
        return None
    try:
        codes = [live("full").wait()]
        for options in ("remount,size=100m", "remount,ro"):
            subprocess.run(["mount", "-o", options, workdir], check=True)
            codes.append(live("full").wait())
        # What the test looks at outlives the disk.
        shutil.copytree(workdir / "tables", workdir.parent / "full-tables")
    finally:
        subprocess.run(["umount", workdir], check=True)
    return codes


def half_complete(workdir):
    """Directories that the next stage takes for finished and that lack something."""
    parts = {
        "run.json": ("model.keras", "history.csv", "export/1/saved_model.pb"),
        "evaluation.json": ("eval_config.json", "metrics-00000-of-00001.tfrecord"),
    }
    return [
        str(marker.parent / part)
        for name, others in parts.items()
        for marker in workdir.rglob(name)
        if ".partial" not in str(marker.relative_to(workdir))
        for part in others
        if not (marker.parent / part).exists()
    ]


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
    os._exit(0)
