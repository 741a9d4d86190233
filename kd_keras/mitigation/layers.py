"""The layer that moves logits by the group of an example."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

# In place of infinities, which a softmax answers with NaN. No logit is as far from 0.
_FAR = 1e9


@keras.saving.register_keras_serializable(package="kd_keras")
class GroupShift(keras.layers.Layer):
    """Adds an offset for the group and the class to the logits.

    With two classes it answers `[0, (z1 - z0) + offset]`, which has the softmax of
    `[z0, z1 + offset]`. As subtraction rounds a difference to 0 only where there is
    none, the decision is exactly that of the threshold -offset on z1 - z0.

    Args:
      offsets: `[groups + 1, classes]`, or `[groups + 1, 1]` for a single logit or the
        difference of two; the last row is for an example whose group is not known.
        Infinite ones are allowed.
      **kwargs: of the layer.
    """

    def __init__(self, offsets: Sequence[Sequence[float]], **kwargs: Any):
        # Of the policy of mixed precision, offsets would be rounded.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.offsets = [
            [min(max(float(offset), -_FAR), _FAR) for offset in row] for row in offsets
        ]

    def build(self, logits_shape: Any, group_shape: Any = None) -> None:
        classes = len(self.offsets[0])
        if logits_shape[-1] != classes and (classes, logits_shape[-1]) != (1, 2):
            raise ValueError(
                f"The student must give {2 if classes == 1 else classes} logits. "
                f"Received: an output of shape {tuple(logits_shape)}. Mend the model "
                "whose scores were fitted."
            )
        self.table = self.add_weight(
            shape=(len(self.offsets), classes),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                self.offsets, dtype
            ),
            trainable=False,
            name="offsets",
        )

    def call(self, logits: Any, group: Any) -> Any:
        """Moves logits.

        Args:
          logits: `[batch, classes]`.
          group: whole numbers `[batch]` of any dtype; one outside of 0 to groups - 1 is
            not known, nor what is no whole number.

        Returns:
          Logits, float32 `[batch, classes]`.
        """
        unknown = len(self.offsets) - 1
        group = ops.reshape(group, (-1,))
        if "float" in keras.backend.standardize_dtype(group.dtype):
            # As an integer 0.9 would be group 0, and so would NaN.
            group = ops.where(ops.equal(group, ops.floor(group)), group, unknown)
        else:
            # In fewer bits 2**32 would be group 0.
            group = ops.cast(group, "int64")
        known = ops.logical_and(group >= 0, group < unknown)
        index = ops.cast(ops.where(known, group, unknown), "int32")
        offset = ops.take(self.table, index, axis=0)
        if len(self.offsets[0]) > 1 or logits.shape[-1] == 1:
            return logits + offset
        moved = (logits[:, 1:] - logits[:, :1]) + offset
        return ops.concatenate([ops.zeros_like(moved), moved], axis=-1)

    def compute_output_shape(self, logits_shape: Any, group_shape: Any = None) -> Any:
        return logits_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offsets": self.offsets}
