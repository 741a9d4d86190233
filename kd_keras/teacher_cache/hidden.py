"""The teacher's last hidden states in place of its logits, and its head beside them."""

import dataclasses
import io
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from kd_keras import files
from kd_keras.distiller.heads import Head

DTYPES = {
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype(tf.bfloat16.as_numpy_dtype),
    "float32": np.dtype("<f4"),
}
KERNEL, BIAS = "head-kernel.npy", "head-bias.npy"


@dataclasses.dataclass(frozen=True)
class HiddenStates:
    """What the teacher's last layer reads: width numbers where logits have one a class.

    Logits made of them serve any temperature. Each hidden state is off by a relative
    2^-11 (float16; bfloat16 2^-8) at most, so a logit by this times the sum of
    |hidden state * kernel|. A teacher that computes in that type loses nothing.

    Attributes:
      precision: "float16", "bfloat16" (2 bytes a number) or "float32".
    """

    precision: str = "float16"
    key: ClassVar[str] = "teacher_inputs"

    def __post_init__(self) -> None:
        if self.precision not in DTYPES:
            raise ValueError(
                f"`precision` must be one of {tuple(DTYPES)}. "
                f"Received: precision={self.precision!r}. Choose one of them."
            )

    def encode(self, states: np.ndarray) -> np.ndarray:
        """Float32 `[rows, ...]` -> `[rows, ...]` as in the file, bfloat16 as uint16.

        Raises:
          ValueError: if a state is too large for the precision.
        """
        with np.errstate(over="ignore"):
            encoded = states.astype(DTYPES[self.precision])
        if not np.isfinite(encoded).all():
            raise ValueError(
                f"`teacher` has hidden states that {self.precision} cannot hold. "
                f"Received: from {states.min()} to {states.max()}. Use "
                "HiddenStates('bfloat16')."
            )
        # NumPy's files know no bfloat16.
        return encoded.view("<u2") if self.precision == "bfloat16" else encoded

    def decode(self, rows: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """Rows of a file, uint8 `[rows, bytes]` -> `[rows, *shape]`, as precise."""
        kind = tf.as_dtype(self.precision)
        return tf.bitcast(tf.reshape(rows, (-1, *shape, kind.size)), kind)


def head_arrays(head: Head) -> dict[str, np.ndarray]:
    """File -> what it holds of a head: the kernel `[width, classes]`, the bias.

    Raises:
      ValueError: if the head is more than a product and a bias.
    """
    layer = head.layer
    if isinstance(layer, keras.layers.Dense):
        arrays = {KERNEL: layer.kernel}
        if layer.bias is not None:
            arrays[BIAS] = layer.bias
    elif head.arguments.get("reverse") and layer.logit_soft_cap is None:
        tied = layer.tie_weights
        arrays = {KERNEL: layer.embeddings if tied else layer.reverse_embeddings}
    else:
        raise ValueError(
            "`teacher` must end in a product with a kernel, to be kept as "
            f"HiddenStates. Received: {layer.name!r}, which caps logits or embeds. Use "
            "storage='float16'."
        )
    arrays = {
        name: keras.ops.convert_to_numpy(value).astype("<f4")
        for name, value in arrays.items()
    }
    if not isinstance(layer, keras.layers.Dense) and layer.tie_weights:
        arrays[KERNEL] = np.ascontiguousarray(arrays[KERNEL].T)
    return arrays


def read_head(directory: str) -> keras.layers.Dense:
    """The head of a cache, which makes float32 logits of its hidden states."""
    arrays = [
        _load(files.join(directory, name))
        for name in (KERNEL, BIAS)
        if files.exists(files.join(directory, name))
    ]
    width, classes = arrays[0].shape
    head = keras.layers.Dense(
        classes, use_bias=len(arrays) == 2, dtype="float32", name="teacher_head"
    )
    head.build((None, width))
    head.set_weights(arrays)
    head.trainable = False
    return head


def _load(path: str) -> np.ndarray:
    return np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False)
