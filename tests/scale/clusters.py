"""Makes one tiny study on clusters whose processes are killed, stopped and refused.

python tests/scale/clusters.py DIRECTORY writes below DIRECTORY: `one`, made in one
process, and of each way to disturb it a study; one log per process; clusters.json.
"""

import functools
import json
import os
import pathlib
import signal
import sys
import time

import forks


def main(directory):
    directory = pathlib.Path(directory)
    live = functools.partial(_live, directory)
    report = {"one": live("one").wait()}
    report["local"] = local(live, directory / "local")
    report["remote"] = remote(directory, live)
    report["paused"] = paused(directory, live)
    (directory / "clusters.json").write_text(json.dumps(report))


def _live(directory, name, *flags):
    """A life that makes the study `name`; its log is `<name>.<number>.log`."""
    data = f"--config.dataset.data_dir={directory / 'data'}"
    flags = (*forks.TINY, data, f"--workdir={directory / name}", *flags)
    return forks.Life(forks.make_study, *flags, log=_log(directory, name))


def _log(directory, name):
    log = directory / f"{name}.{len(list(directory.glob(f'{name}.*.log')))}.log"
    log.touch()
    return log


def local(live, workdir):
    """--workers: ended by SIGTERM, then with a worker killed, each in mid-run."""
    life = live("local", "--workers=2")
    busy = functools.partial(_busy_child, life, workdir)
    forks.wait_for(busy, life)
    started = forks.children(life.pid)
    began = time.monotonic()
    life.kill(signal.SIGTERM)
    terminated = [life.wait(), time.monotonic() - began]
    # Without their parent they end by themselves, where it did not end them.
    forks.wait_for(lambda: not any(map(_is_alive, started)))
    life = live("local", "--workers=2")
    busy = functools.partial(_busy_child, life, workdir)
    os.kill(forks.wait_for(busy, life), signal.SIGKILL)
    second = live("local")
    refused = [second.wait(), life.pid]
    return {"terminated": terminated, "refused": refused, "code": life.wait()}


def remote(directory, live):
    """--scheduler: the scheduler killed in mid-run, and then one of two workers."""
    cluster = Cluster(directory, "remote")
    life = live("remote", f"--scheduler={cluster.address}")
    forks.wait_for(cluster.busy, life)
    cluster.scheduler.kill()
    codes = [life.wait()]
    cluster.end()
    cluster = Cluster(directory, "remote")
    life = live("remote", f"--scheduler={cluster.address}")
    worker, _ = forks.wait_for(cluster.busy, life)
    worker.kill()
    codes.append(life.wait())
    cluster.end()
    return codes


def paused(directory, live):
    """A worker stopped in mid-run for longer than its time to live, and woken up."""
    cluster = Cluster(directory, "paused", worker_ttl="10s")
    life = live("paused", f"--scheduler={cluster.address}")
    worker, run = _stop_in_mid_run(cluster, life)
    while not life.ended():
        # On a loaded machine the other one may be taken for dead too.
        if all(other is worker or other.ended() for other in cluster.workers):
            cluster.add_worker()
        time.sleep(0.01)
    before = _content(run)
    worker.kill(signal.SIGCONT)
    worker.wait()
    same = before == _content(run)
    cluster.end()
    again = live("paused").wait()
    return {"codes": [life.code, again], "same": same, "files": len(before)}


class Cluster:
    """A scheduler and two workers, as `dask scheduler` and `dask worker` start them."""

    def __init__(self, directory, name, worker_ttl="5 minutes"):
        self.directory, self.name = directory, name
        file = directory / f"{name}.json"
        file.unlink(missing_ok=True)
        flags = ("--host=127.0.0.1", "--port=0", f"--scheduler-file={file}")
        program = functools.partial(forks.scheduler, worker_ttl=worker_ttl)
        log = _log(directory, f"{name}-scheduler")
        self.scheduler = forks.Life(program, *flags, "--no-dashboard", log=log)
        forks.wait_for(lambda: file.exists() and file.read_text(), self.scheduler)
        self.address = json.loads(file.read_text())["address"]
        self.workers = []
        self.add_worker()
        self.add_worker()

    def add_worker(self):
        flags = (self.address, "--nthreads=1", "--no-nanny", "--no-dashboard")
        flags += (f"--local-directory={self.directory / 'dask'}",)
        log = _log(self.directory, f"{self.name}-worker")
        self.workers.append(forks.Life(forks.worker, *flags, log=log))

    def busy(self):
        """A worker that trains, and its run; None if none does."""
        for worker in self.workers:
            run = forks.in_mid_run(worker.pid, self.directory / self.name)
            if run:
                return worker, run
        return None

    def end(self):
        for life in (*self.workers, self.scheduler):
            if not life.ended():
                life.kill()
                life.wait()


def _stop_in_mid_run(cluster, life):
    while True:
        worker, run = forks.wait_for(cluster.busy, life)
        worker.kill(signal.SIGSTOP)
        forks.wait_for(lambda pid=worker.pid: _state(pid) == "T")
        if run == forks.in_mid_run(worker.pid, cluster.directory / cluster.name):
            return worker, run
        worker.kill(signal.SIGCONT)


def _busy_child(life, workdir):
    for pid in forks.children(life.pid):
        if forks.in_mid_run(pid, workdir):
            return pid
    return None


def _state(pid):
    status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0]


def _is_alive(pid):
    return pathlib.Path(f"/proc/{pid}").exists() and _state(pid) not in "ZX"


def _content(directory):
    """Every file's bytes and time of change, as text."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
        for path in paths
    }


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)
