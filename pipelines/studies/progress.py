"""Tells a person how far a study is."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

import keras
from tqdm import tqdm

from pipelines.studies.layout import Run


class StudyProgress:
    """One line per finished run; on a terminal also bars for the study and the run."""

    def __init__(self, runs: Sequence[Run], missing: Sequence[Run]):
        self.total = len(runs)
        self.seconds: dict[str, list[float]] = {}
        done = self.total - len(missing)
        if done:
            print(f"{done} of {self.total} runs are already there", flush=True)
        # disable=None: no bars where the output is no terminal.
        self.bar = tqdm(
            total=self.total, initial=done, unit="run", desc="study", disable=None
        )

    def epochs(self, run: Run, epochs: int) -> keras.callbacks.Callback:
        """A callback that draws the bar of one run."""
        bar = tqdm(
            total=epochs, unit="epoch", desc=run.title, leave=False, disable=None
        )

        def on_epoch_end(epoch: int, logs: dict[str, float]) -> None:
            bar.n = epoch + 1
            bar.set_postfix({k: f"{logs[k]:.3f}" for k in ("loss", "val_accuracy")})

        return keras.callbacks.LambdaCallback(
            on_epoch_end=on_epoch_end, on_train_end=lambda logs: bar.close()
        )

    @contextlib.contextmanager
    def stack(
        self, members: Sequence[Run], epochs: int
    ) -> Iterator[Callable[[int, list[list[dict[str, float]]]], None]]:
        """What draws the bar of runs that are trained together, told of each epoch."""
        title = f"{len(members)} runs like {members[0].title}"
        bar = tqdm(total=epochs, unit="epoch", desc=title, leave=False, disable=None)

        def on_epoch(epoch: int, history: list[list[dict[str, float]]]) -> None:
            bar.n = epoch + 1
            accuracy = [logs[-1]["val_accuracy"] for logs in history]
            bar.set_postfix(val_accuracy=f"{sum(accuracy) / len(accuracy):.3f}")

        with bar:
            yield on_epoch

    def finished(
        self,
        run: Run,
        seconds: float,
        val_accuracy: float,
        missing: Sequence[Run],
        at_a_time: int = 1,
    ) -> None:
        """Says what the run took, and how long the training of `missing` ones takes.

        Args:
          run: the run that is finished.
          seconds: what it took.
          val_accuracy: the last one.
          missing: the runs that are left.
          at_a_time: how many runs are trained at the same time.
        """
        self.seconds.setdefault(run.model, []).append(seconds)
        done = self.total - len(missing)
        self.bar.update(done - self.bar.n)
        left = f", {self._time_left(missing, at_a_time)} left" if missing else ""
        tqdm.write(
            f"[{done}/{self.total}] {run.title}: "
            f"val_accuracy {val_accuracy:.3f}, {seconds:.0f} s{left}"
        )
        sys.stdout.flush()  # A pipe would hold the line back.

    def close(self) -> None:
        self.bar.close()

    def _time_left(self, missing: Sequence[Run], at_a_time: int) -> str:
        seen = [s for seconds in self.seconds.values() for s in seconds]
        longest = max(seen)
        means = {model: sum(s) / len(s) for model, s in self.seconds.items()}
        left = sum(means.get(run.model, longest) for run in missing)
        left /= min(at_a_time, len(missing))
        # Teachers come first, and their students take less.
        unseen = any(run.model not in means for run in missing)
        return f"{'under ' if unseen else ''}{max(left / 60, 0.1):.1f} min of training"
