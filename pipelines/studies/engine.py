"""A study's runs as a graph of tasks on a Dask cluster."""

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import dask
import distributed
import ml_collections

from kd_keras import files
from pipelines.studies import layout, local_worker, tasks
from pipelines.studies.layout import Run

# Seconds that busy workers get to end by themselves before they are killed.
PATIENCE = 1.0
# Of the cluster that --workers starts.
ORIGINS = "distributed.scheduler.dashboard.bokeh-application.allow_websocket_origin"
LOCAL = {
    "distributed.scheduler.http.routes": [
        "distributed.http.scheduler.info",
        "distributed.http.scheduler.json",
        "distributed.http.health",
        "distributed.http.statics",
    ],
}


def check(config: ml_collections.ConfigDict, workers: int, scheduler: str) -> None:
    """Raises a ValueError if the flags do not go together."""
    if workers < 0:
        raise ValueError(f"--workers must be 0 or more. Received: {workers}.")
    if workers and scheduler:
        raise ValueError(
            "--workers starts a cluster, --scheduler names one that is there: give one "
            f"of them. Received: --workers={workers} --scheduler={scheduler}."
        )
    if config.strategy == "multi_worker_mirrored":
        raise ValueError(
            "--strategy=multi_worker_mirrored has workers of its own. Received: also "
            "--workers or --scheduler. Give one of the two."
        )


@contextlib.contextmanager
def connected(workers: int, scheduler: str) -> Iterator[distributed.Client]:
    """A client of the cluster of `scheduler`, or of a new one of `workers` processes.

    Raises:
      OSError: if the scheduler cannot be reached.
    """
    log = logging.getLogger("distributed")
    log.setLevel(logging.WARNING)
    if scheduler:
        # What a client meets is raised.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            client = distributed.Client(scheduler)
        except OSError as error:
            raise OSError(
                f"--scheduler={scheduler} cannot be reached ({error}). Start it by "
                "`dask scheduler`, and workers by `dask worker ADDRESS --nthreads=1`."
            ) from error
        with client:
            _tell(client)
            yield client
        return
    port = _free_port()
    # Only the dashboard's own pages may read it.
    origins = [f"127.0.0.1:{port}", f"localhost:{port}"]
    with (
        dask.config.set({**LOCAL, ORIGINS: origins}),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=f"127.0.0.1:{port}",
            # Whoever reaches a scheduler runs code: other users of this machine.
            security=distributed.Security.temporary(),
            memory_limit=0,
            preload=[local_worker.__name__],
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        _tell(client)
        try:
            yield client
        except BaseException:
            log.setLevel(logging.CRITICAL)
            cluster.sync(_end_workers, cluster)
            raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tell(client: distributed.Client) -> None:
    count = len(client.nthreads())
    workers = f"{count} workers" if count else "no workers yet"
    print(f"{workers}; dashboard {client.dashboard_link}", flush=True)


async def _end_workers(cluster: distributed.LocalCluster) -> None:
    nannies = cluster.workers.values()
    await asyncio.gather(*(nanny.close(timeout=PATIENCE) for nanny in nannies))


def train(
    client: distributed.Client,
    config: ml_collections.ConfigDict,
    workdir: str,
    missing: Sequence[Run],
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Makes the `missing` runs: teacher, then its cache, then its distilled students.

    Yields:
      (run, what run.json holds), as the runs are finished.

    Raises:
      OSError: if the scheduler is gone, or a run has ended worker after worker.
      ValueError, TypeError, OSError: what a run raises.
    """
    futures = _submit(client, config, workdir, missing)
    runs = {future.key: run for run, future in futures.items()}
    for future in distributed.as_completed(futures.values()):
        run = runs[future.key]
        try:
            yield run, future.result()
        except distributed.KilledWorker as error:
            raise OSError(
                f"{run.title} has ended {dask.config.get(FAILURES) + 1} workers one "
                "after the other. See their logs; is there enough memory?"
            ) from error
        except distributed.CancelledError as error:
            raise OSError(
                "The connection to the scheduler is lost. Start it again where it "
                "has ended, and give the same command again: it goes on."
            ) from error


FAILURES = "distributed.scheduler.allowed-failures"


def _submit(
    client: distributed.Client,
    config: ml_collections.ConfigDict,
    workdir: str,
    missing: Sequence[Run],
) -> dict[Run, distributed.Future]:
    # Workers may have another current directory.
    where = os.path.abspath(workdir) if files.is_local(workdir) else workdir
    study = (tasks.described(config), where)
    # Tasks of another study, or of an ended coordinator, have other names.
    token = uuid.uuid4().hex[:8]
    futures: dict[Run, distributed.Future] = {}
    caches: dict[int, distributed.Future] = {}
    for run in missing:
        after = []
        if run.model == layout.DS:
            teacher = futures.get(Run(layout.TEACHER, run.seed))
            after = [teacher] if teacher else []
            if config.teacher_cache:
                if run.seed not in caches:
                    caches[run.seed] = client.submit(
                        tasks.make_cache,
                        *study,
                        run.seed,
                        *after,
                        key=f"cache-seed{run.seed}-{token}",
                    )
                after = [caches[run.seed]]
        futures[run] = client.submit(
            tasks.train,
            *study,
            *(run.model, run.seed, run.temperature, run.method),
            *after,
            key=f"{run.name}-seed{run.seed}-{token}",
        )
    return futures
