"""Tells a person that a stage which has nothing to show goes on."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from tqdm import tqdm

# Until the first word, and between two words after it.
FIRST_SECONDS = 5.0
AGAIN_SECONDS = 30.0


@contextlib.contextmanager
def telling(what: str) -> Iterator[None]:
    """Says on stderr that `what` goes on, after 5 s and then every half minute.

    What is over by then says nothing.

    Args:
      what: such as "report: intervals and figures".
    """
    ended = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        wait = FIRST_SECONDS
        while not ended.wait(wait):
            seconds = time.monotonic() - began
            # Not through a bar that is being drawn.
            tqdm.write(f"{what} ({seconds:.0f} s)", file=sys.stderr)
            wait = AGAIN_SECONDS

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
