"""A Keras model that trains on several machines at once."""

from typing import Any

import keras
import tensorflow as tf

from kd_keras import strategy


class MultiWorkerModel(keras.Model):
    """Lets `fit` and `evaluate` run under tf.distribute.MultiWorkerMirroredStrategy.

    Keras 3.15 reads a batch and the metrics of all workers where only one's are at
    hand, which fails. Under any other strategy nothing changes. Under this one
    `steps_per_execution` is 1.
    """

    train_function: Any
    test_function: Any

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        if not self._has_workers():
            super()._maybe_symbolic_build(iterator, data_batch)
            return
        if iterator is not None:
            _, _, batches = next(iter(iterator))
            first = self.distribute_strategy.experimental_local_results(next(batches))
            data_batch = first[0]
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=data_batch)

    def make_train_function(self, force=False):
        if not self._has_workers():
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = self._step_function(self.train_step)

    def make_test_function(self, force=False):
        if not self._has_workers():
            super().make_test_function(force)
        elif self.test_function is None or force:
            self.test_function = self._step_function(self.test_step)

    def _has_workers(self):
        return strategy.has_workers(self.distribute_strategy)

    def _step_function(self, step):
        @tf.function(reduce_retracing=True)
        def one_step(iterator):
            self.distribute_strategy.run(step, args=(next(iterator),))
            # Summed over the workers: outside of the replicas' code.
            return self.get_metrics_result()

        return one_step
