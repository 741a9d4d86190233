"""Lets processes on any machines share a working directory: one does each thing."""

import json
import os
import random
import socket
import threading
import time
import uuid
from typing import Any

from kd_keras import files

DIRECTORY = "claims"
# Seconds without a heartbeat after which a claim is dead. An NFS client may show a
# file as it was up to 60 s ago.
TIMEOUT = 120.0
# Heartbeats in that time.
BEATS = 6


class ClaimLostError(OSError):
    """Another process has taken over what this one was doing."""


class Claims:
    """The claims of one working directory, as one process sees and makes them.

    A claim is a file `claims/<name>.<n>`. It is created by exactly one process (see
    `files.create`) and changes with every heartbeat until it is released. Whoever
    finds it released or dead may create `<name>.<n + 1>`: nothing is deleted, so
    nothing can be taken over twice.

    A claim is dead when its process is known to be gone, which only processes of the
    same machine know, or when it has not changed for `timeout` seconds of the
    observer's own clock: clocks of machines are never compared.

    Args:
      workdir: the study's working directory.
      timeout: seconds without a heartbeat after which a claim is dead; the same in
        all processes.
    """

    def __init__(self, workdir: str, timeout: float = TIMEOUT):
        if not timeout > 0:
            raise ValueError(
                f"--claim_timeout must be a number above 0. Received: {timeout!r}."
            )
        self.directory = files.join(workdir, DIRECTORY)
        self.timeout = timeout
        self._held: list[Claim] = []
        # Path -> its content, and since when it has been so.
        self._seen: dict[str, tuple[bytes, float]] = {}

    def take(self, name: str) -> "Claim | None":
        """Claims `name`, such as a run's directory; None while another has it."""
        prefix = files.join(self.directory, f"{name.replace('/', '-')}.")
        endings = (path[len(prefix) :] for path in files.gfile.glob(f"{prefix}*"))
        last = max((int(n) for n in endings if n.isdigit()), default=-1)
        if last >= 0 and self._is_live(f"{prefix}{last}"):
            return None
        claim = Claim(self, name, prefix, last + 1)
        return claim if claim.make() else None

    def wait(self, name: str) -> "Claim":
        """Claims `name` as soon as no other process has it."""
        while not (claim := self.take(name)):
            self.pause()
        return claim

    def pause(self) -> None:
        """Sleeps between two looks at what others do."""
        time.sleep(min(2.0, self.timeout / BEATS) * random.uniform(0.5, 1.0))

    def check(self) -> None:
        """Raises a ClaimLostError if this process has lost a claim that it holds."""
        for claim in self._held:
            claim.check()

    def _is_live(self, path: str) -> bool:
        content = files.read_bytes(path)
        record = _parsed(content)
        if record.get("released") or _is_gone(record):
            return False
        now = time.monotonic()
        seen, since = self._seen.get(path, (None, now))
        if content != seen:
            self._seen[path] = (content, now)
            return True
        return now - since < self.timeout


def _parsed(content: bytes) -> dict[str, Any]:
    """What a claim holds; nothing where it was damaged: then only its age counts."""
    try:
        record = json.loads(content)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


class Claim:
    """What `Claims.take` gives: a context that releases the claim at its end."""

    def __init__(self, claims: Claims, name: str, prefix: str, generation: int):
        self.name = name
        self._claims = claims
        self._path = f"{prefix}{generation}"
        self._next = f"{prefix}{generation + 1}"
        self._record = {"beats": 0, "token": uuid.uuid4().hex, **_this_process()}
        self._beaten = time.monotonic()
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat_until_stopped, daemon=True)

    def make(self) -> bool:
        """Whether this process is the one that has created the claim."""
        if not files.create(self._path, _encode(self._record)):
            return False
        self._claims._held.append(self)
        self._heart.start()
        return True

    def check(self) -> None:
        """Raises a ClaimLostError if another process has taken over."""
        age = time.monotonic() - self._beaten
        if age < self._claims.timeout and not files.exists(self._next):
            return
        raise ClaimLostError(
            f"This process has lost {self.name}: {self._path} had no heartbeat for "
            f"{age:.0f} s, and --claim_timeout={self._claims.timeout:g}. Another "
            "process goes on with it. Run the same command again; if this happens "
            "often, with a longer timeout."
        )

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.release()

    def release(self) -> None:
        """Lets others claim it."""
        self._stop.set()
        self._heart.join()
        self._claims._held.remove(self)
        if not files.exists(self._next):
            files.write_bytes(self._path, _encode({"released": True}))

    def _beat_until_stopped(self) -> None:
        while not self._stop.wait(self._claims.timeout / BEATS):
            self._record["beats"] += 1
            try:
                files.write_bytes(self._path, _encode(self._record))
            except files.ERRORS:
                continue  # `check` notices when it lasts.
            self._beaten = time.monotonic()


def _encode(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True).encode()


def _this_process() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "kernel": _kernel(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
    }


def _is_gone(record: dict[str, Any]) -> bool:
    """Whether the process of a claim ran on this machine and has ended."""
    if not record.get("kernel") or record["kernel"] != _kernel():
        return False
    return _started(record["pid"]) != record["started"]


def _kernel() -> str:
    """Names this boot of this machine and its namespace of process ids."""
    boot = _read_proc("sys/kernel/random/boot_id").strip()
    return boot and f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty if it has ended."""
    # Behind the name, which may hold anything: the state, ..., the start time.
    state, *fields = _read_proc(f"{pid}/stat").rpartition(")")[2].split() or ["Z"]
    return "" if state in "ZX" else fields[18]


def _read_proc(path: str) -> str:
    try:
        # gfile reads as much as the size says, which is 0 in /proc.
        with open(f"/proc/{path}") as file:
            return file.read()
    except OSError:
        return ""
