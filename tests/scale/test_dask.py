"""The Dask example trains each run once, on a local cluster of processes."""

import os
import pathlib
import re
import subprocess
import sys

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/dask_study.py"
TINY = (
    "--config=configs/demo.py",
    "--config.seeds=(0, 1)",
    "--config.temperatures=(4.0,)",
    "--config.dataset.versions=1",
    "--config.dataset.image_size=16",
    "--config.teacher.model=lenet5",
    "--config.teacher.epochs=1",
    "--config.student.epochs=1",
)


def test_two_workers_make_a_study(tmp_path):
    data = f"--config.dataset.data_dir={tmp_path / 'data'}"
    command = [sys.executable, EXAMPLE, *TINY, data, f"--workdir={tmp_path / 'w'}"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    # One shard a seed, each with three runs.
    trained = re.findall(r"^\[\d/3\] (.*): val_accuracy", done.stdout, re.M)
    expected = ("teacher", "student nds", "student T=4")
    assert sorted(trained) == sorted(f"{m} seed {s}" for m in expected for s in (0, 1))
    assert done.stdout.count("evaluate 6 of 6 runs") == 1
    assert (tmp_path / "w" / "report.html").exists()
    assert (tmp_path / "w" / "tables" / "summary.csv").exists()
    log = re.findall(r"shard \S+ is trained; \d runs", done.stdout)
    assert len(log) <= 1
