"""What a cache was made from, as a whole and example by example."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from kd_keras.datasets.spec import DatasetSpec

# 8 bytes for the id and 8 for the features of an example.
KEY_BYTES = 16


@dataclasses.dataclass(frozen=True)
class Identity:
    """What must be equal for a cache to be used; a difference is refused by name.

    Attributes:
      teacher: SHA-256 of the teacher's weights, as `Distiller.teacher_fingerprint`.
      dataset: name of the data set.
      features: feature -> dtype and shape.
      examples: number of examples.
      storage: how the logits are stored.
      augmentation: key of `augment.AUGMENTATIONS`, or "".
      seed: seed of the augmentation.
      views: number of augmented views of each example.
      shard_examples: examples in a file.
      precision: what the teacher's layers compute in.
    """

    teacher: str
    dataset: str
    features: Mapping[str, str]
    examples: int
    storage: str
    augmentation: str
    seed: int
    views: int
    shard_examples: int
    precision: str = "float32"

    @property
    def shards(self) -> int:
        """Number of files of keys, and of logits in each view."""
        return -(-self.examples // self.shard_examples)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def require_equal(self, made: Mapping[str, Any], directory: str) -> None:
        """Raises a ValueError that names the first difference to a cache's."""
        given = self.to_json()
        # Before there was a choice there was one precision.
        made = {"precision": "float32", **made}
        for name in sorted(given.keys() | made.keys()):
            if made.get(name) == given.get(name):
                continue
            raise ValueError(
                f"The teacher cache in {directory} was made with "
                f"{name}={made.get(name)!r}. Received: {name}={given.get(name)!r}. "
                "Use what it was made with, or another directory."
            )


def describe(spec: DatasetSpec) -> dict[str, str]:
    """Feature -> its dtype and shape."""
    return {
        name: f"{feature.dtype.name}{list(feature.shape)}"
        for name, feature in spec.features.items()
    }


def shard_names(shard: int, view: int) -> tuple[str, str]:
    """File of the examples' keys, file of their logits in a view."""
    return f"keys-{shard:05}.npy", f"logits-{view}-{shard:05}.npy"


def block_size(examples: tf.data.Dataset) -> int:
    """Examples to check at a time; 1 where their shapes differ."""
    shapes = tf.nest.map_structure(lambda spec: spec.shape, examples.element_spec)
    alike = all(shape.is_fully_defined() for shape in tf.nest.flatten(shapes))
    # One by one the fingerprints cost four times as much.
    return 256 if alike else 1


def example_keys(examples: Mapping[str, tf.Tensor], spec: DatasetSpec) -> tf.Tensor:
    """FarmHash64 of the ids and of the features.

    Args:
      examples: batch of examples under the spec's keys.
      spec: the data set's spec.

    Returns:
      uint8 `[batch, KEY_BYTES]`.
    """
    parts = [tf.fingerprint(examples[name]) for name in sorted(spec.features)]
    features = parts[0] if len(parts) == 1 else tf.fingerprint(tf.concat(parts, 1))
    return tf.concat([tf.fingerprint(examples[spec.example_id]), features], axis=1)
