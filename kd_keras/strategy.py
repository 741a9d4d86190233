"""The devices and machines that train one model together, by tf.distribute."""

import contextlib
import os
from collections.abc import Callable, Iterator

import tensorflow as tf

STRATEGIES = ("one_device", "mirrored", "multi_worker_mirrored", "tpu")


def make(name: str) -> tf.distribute.Strategy:
    """The strategy of a name.

    Make it before anything else uses TensorFlow: several workers cannot be joined
    later.

    Args:
      name: "one_device" is TensorFlow's default: one GPU, or the CPU. "mirrored" takes
        all GPUs of this machine, or its logical CPUs where it has none.
        "multi_worker_mirrored" takes the machines that the environment variable
        TF_CONFIG names. "tpu" takes the TPU that this machine belongs to, or that the
        environment variable TPU_NAME names.

    Raises:
      ValueError: if there is no such strategy, or what it needs is missing.
    """
    makers: dict[str, Callable[[], tf.distribute.Strategy]] = {
        "one_device": tf.distribute.get_strategy,
        "mirrored": _mirrored,
        "multi_worker_mirrored": _multi_worker_mirrored,
        "tpu": _tpu,
    }
    if name not in makers:
        raise ValueError(
            f"--strategy must be one of {', '.join(STRATEGIES)}. Received: {name!r}."
        )
    return makers[name]()


def is_one_device(strategy: tf.distribute.Strategy) -> bool:
    """Whether it is TensorFlow's default, which needs no scope."""
    several = (
        tf.distribute.MirroredStrategy,
        tf.distribute.MultiWorkerMirroredStrategy,
        tf.distribute.TPUStrategy,
    )
    return not isinstance(strategy, several)


def has_accelerator() -> bool:
    """Whether TensorFlow sees a GPU or a TPU."""
    return any(tf.config.list_physical_devices(kind) for kind in ("GPU", "TPU"))


def has_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether several processes train one model together."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files."""
    if not has_workers(strategy):
        return True
    cluster = strategy.cluster_resolver
    if "chief" in cluster.cluster_spec().jobs:
        return cluster.task_type == "chief"
    return (cluster.task_type, cluster.task_id) == ("worker", 0)


def from_chief(strategy: tf.distribute.Strategy, number: int) -> int:
    """The chief's `number`, not negative, in every process.

    All have to call it, and wait until all have.
    """
    if not has_workers(strategy):
        return number
    sent = tf.constant(number if is_chief(strategy) else 0, tf.int64)

    @tf.function
    def largest() -> tf.Tensor:
        return strategy.run(
            lambda: tf.reduce_max(
                tf.distribute.get_replica_context().all_gather(sent[None], axis=0)
            )
        )

    return int(strategy.experimental_local_results(largest())[0])


class WorkerLostError(OSError):
    """Another worker of the cluster has ended."""


@contextlib.contextmanager
def naming_lost_workers(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Raises a WorkerLostError for what TensorFlow raises when a worker has ended."""
    try:
        yield
    except (
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.InternalError,
        tf.errors.UnavailableError,
    ) as error:
        if not has_workers(strategy):
            raise
        message = str(error.message).strip()
        # The first line behind the graph's trace says why.
        reason = message.partition("Collective ops is aborted by: ")[2] or message
        raise WorkerLostError(
            "Another worker has ended or cannot be reached "
            f"({reason.splitlines()[0].partition(' Additional GRPC')[0]}). See its "
            "log, and start all workers again: the run goes on behind its last epoch."
        ) from error


def _mirrored() -> tf.distribute.Strategy:
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _multi_worker_mirrored() -> tf.distribute.Strategy:
    if not os.environ.get("TF_CONFIG"):
        raise ValueError(
            "--strategy=multi_worker_mirrored needs TF_CONFIG in the environment: the "
            "workers, and which of them this process is. Example: "
            'TF_CONFIG=\'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}\'.'
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


def _tpu() -> tf.distribute.Strategy:
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    return tf.distribute.TPUStrategy(resolver)
