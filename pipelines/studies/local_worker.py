"""What each worker process of --workers does first, as a preload of Dask."""

import logging
import signal

import distributed


def dask_setup(worker: distributed.Worker) -> None:
    """Leaves Ctrl-C, which a terminal sends to every process, to the coordinator.

    It also says what went wrong in a task.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("distributed").setLevel(logging.ERROR)
