"""A Keras model that trains on several machines at once."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kd_keras import strategy
from kd_keras.keras_internals import SymbolicBuildModel


class MultiWorkerModel(SymbolicBuildModel):
    """Lets `fit` and `evaluate` run under tf.distribute.MultiWorkerMirroredStrategy.

    Keras 3.15 reads a batch and the metrics of all workers where only one's are at
    hand, which fails. Under any other strategy nothing changes. Under this one
    `steps_per_execution` is 1.
    """

    train_function: Any
    test_function: Any

    def first_batch(self, iterator: Any, data_batch: Any) -> Any:
        """One worker's batch; None without workers."""
        if not self._has_workers():
            return None
        if iterator is None:
            return data_batch
        _, _, batches = next(iter(iterator))
        results = self.distribute_strategy.experimental_local_results(next(batches))
        return results[0]

    def make_train_function(self, force: bool = False) -> None:
        """Makes `train_function`, which takes one step on every worker."""
        if not self._has_workers():
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = self._step_function(self.train_step)

    def make_test_function(self, force: bool = False) -> None:
        """Makes `test_function`, which measures a batch on every worker."""
        if not self._has_workers():
            super().make_test_function(force)
        elif self.test_function is None or force:
            self.test_function = self._step_function(self.test_step)

    def _has_workers(self) -> bool:
        return strategy.has_workers(self.distribute_strategy)

    def _step_function(self, step: Callable) -> Callable:
        @tf.function(reduce_retracing=True)
        def one_step(iterator: Any) -> dict:
            self.distribute_strategy.run(step, args=(next(iterator),))
            # Summed over the workers: outside of the replicas' code.
            return self.get_metrics_result()

        return one_step
