"""The one interface of the Distiller's losses: what a part is given, what it gives."""

from typing import Any, NamedTuple

import tensorflow as tf

# Fields of `LossInputs` that a part is given only if it asks for them.
NEEDS = ("teacher", "labels", "groups")


class LossInputs(NamedTuple):
    """What a part of the loss is given for one output of the student.

    Padded entries, and those of weight 0, hold zeros. What the part does not name in
    `needs` is None.

    Attributes:
      student: float32 `[batch, ..., classes]`, logits; in a hint features.
      teacher: float32 `[batch, ..., classes]`, the same of the teacher.
      temperature: float32, a scalar or `[batch]`; None in a hint.
      labels: labels of this output, as the batch brings them.
      groups: what the batch brings under "groups": group codes `[batch]`, or a dict of
        them.
      weights: float32 `[batch, ...]`, in a hint `[batch]`: the sample weights, 0 where
        padded. Only for a part with `whole_batch`; for others the Distiller applies
        them.
      head: "softmax" or "sigmoid", what makes predictions of the logits; None in a
        hint.
      training: whether the student is being trained, not evaluated.
    """

    student: tf.Tensor
    teacher: tf.Tensor | None = None
    temperature: tf.Tensor | None = None
    labels: tf.Tensor | None = None
    groups: Any = None
    weights: tf.Tensor | None = None
    head: str | None = None
    training: bool = False


class LossPart:
    """One part of the Distiller's loss; the base class of soft losses and hints.

    A subclass computes its values in `__call__`. Class attributes, or properties, say
    what it is given and how its values are read:

    Attributes:
      heads: the heads whose logits it understands.
      needs: fields of `LossInputs` that it reads besides `student`, among "teacher",
        "labels" and "groups". A batch without one of them is refused.
      whole_batch: whether it compares examples with each other. It is then given those
        of all replicas, and their weights.
      uses_temperature: whether it softens the logits; as a soft loss it then gets the
        factor T^2.
      has_hard_loss: whether the labels' loss is in it; as a soft loss it then needs a
        Distiller with alpha=1.
      variables: `keras.Variable`s, not trainable, that it updates while training, if
        it has a state; the Distiller saves them.

    Args:
      name: its name in the logs and in messages; that of the class by default.
      weight: its factor in the loss, at least 0; for a soft loss beside alpha.

    Raises:
      ValueError: if the weight is negative or NaN, or `needs` names something else.
    """

    heads: tuple[str, ...] = ("softmax", "sigmoid")
    needs: tuple[str, ...] = ("teacher",)
    whole_batch: bool = False
    uses_temperature: bool = True
    has_hard_loss: bool = False
    variables: tuple[Any, ...] | list[Any] = ()

    def __init__(self, name: str | None = None, weight: float = 1.0):
        if not weight >= 0:
            raise ValueError(
                f"`weight` of a {type(self).__name__} must be at least 0. "
                f"Received: weight={weight}. Pass 0 to switch it off."
            )
        if unknown := sorted(set(self.needs) - set(NEEDS)):
            raise ValueError(
                f"`needs` of a {type(self).__name__} may name {NEEDS}. "
                f"Received: {unknown}. All else is given anyway."
            )
        self.name = name or type(self).__name__
        self.weight = weight

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The loss, not multiplied by `weight`.

        Args:
          inputs: `LossInputs`.

        Returns:
          Tensor `[batch, ...]`, which the Distiller weights, masks and averages; or
          a scalar, the loss of all the entries together.
        """
        raise NotImplementedError

    def warmup(self, step: tf.Tensor) -> tf.Tensor | float:
        """Share of `weight` at an optimizer step, between 0 and 1."""
        return 1.0

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"name": self.name, "weight": self.weight}

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({config})"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LossPart":
        """Makes the part that has this config."""
        return cls(**config)
