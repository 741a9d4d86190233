"""Keeps a cluster's own draws apart from the seeded ones of a run."""

import random
import sys

ENGINE = ("dask", "distributed", "tornado")


def separate() -> None:
    """Gives Dask's modules a generator of their own.

    They draw from Python's at any moment, in another thread (dask/sizeof.py), and Keras
    takes the seeds of its initializers from it: a run would not be that of its seed.
    """
    own = random.Random()
    for name, module in list(sys.modules.items()):
        of_engine = name.partition(".")[0] in ENGINE
        if of_engine and getattr(module, "random", None) is random:
            vars(module)["random"] = own
