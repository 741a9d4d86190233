"""MinDiff: the scores of the groups are brought together."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.losses import LossInputs, LossPart
from kd_keras.mitigation.membership import group_codes, require_count, shares

SCORES_OF = ("positives", "negatives", "all")


@keras.saving.register_keras_serializable(package="kd_keras")
class MinDiff(LossPart):
    """Squared maximum mean discrepancy (MMD) between the groups' scores.

    MMD^2(a, b) = E k(s_a, s_a') + E k(s_b, s_b') - 2 E k(s_a, s_b), with the Gaussian
    kernel k(s, s') = exp(-(s - s')^2 / length^2) of the students' probabilities; mean
    over all pairs of groups that are in the batch, and over the classes, each against
    all others (with two classes the second one alone). Like the authors' library it
    takes no root, whose gradient explodes near 0.

    A part of the loss: `Distiller(parts=[MinDiff(groups=2)])`. Batches bring "groups";
    what is in no group, -1, is left out. It compares the examples of all replicas,
    weighted by the sample weights. A batch with one group alone gives 0: use batches
    large enough to hold several.

    Args:
      groups: number of groups; their codes are 0 to groups - 1.
      on: whose scores are compared: "negatives", which brings false positive rates
        together, "positives" (true positive rates) or "all" (selection rates).
      length: of the kernel, in units of probability.
      attribute: key of the groups, where batches bring a dict of them.
      name: its name in the logs.
      weight: its factor in the loss.

    Raises:
      ValueError: if an argument is not as described.

    Reference:
      Prost et al., "Toward a better trade-off between performance and fairness with
      kernel-based distribution matching", 2019 (arXiv 1910.11779), section 3; kernel as
      in TensorFlow Model Remediation.
    """

    uses_temperature = False
    whole_batch = True

    def __init__(
        self,
        groups: int,
        on: str = "negatives",
        length: float = 0.1,
        attribute: str | None = None,
        name: str | None = None,
        weight: float = 1.0,
    ):
        require_count("MinDiff", "groups", groups, 2)
        if on not in SCORES_OF:
            raise ValueError(
                f"`on` of a MinDiff must be one of {SCORES_OF}. Received: on={on!r}. "
                "Choose whose scores are to be alike."
            )
        if not 0 < length < float("inf"):
            raise ValueError(
                "`length` of a MinDiff must be a number above 0. Received: "
                f"length={length!r}. 0.1 is a usual one."
            )
        self.needs = ("groups",) if on == "all" else ("labels", "groups")
        super().__init__(name=name, weight=weight)
        self.groups = groups
        self.on = on
        self.length = length
        self.attribute = attribute

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The mean squared discrepancy, a scalar."""
        if len(inputs.student.shape) != 2:
            raise ValueError(
                f"{self.name} compares one prediction for each example. Received: "
                f"logits of shape {tuple(inputs.student.shape)}. Pass parts only for a "
                "student that classifies examples whole."
            )
        scores = self._scores(inputs)
        distances = ops.square(scores[:, :, None] - scores[:, None, :])
        kernel = ops.exp(-distances / self.length**2)
        members = self._members(inputs)
        share = shares(members)
        # [classes, groups, groups]: the mean kernel between members of two groups.
        means = ops.matmul(ops.matmul(share, kernel), ops.transpose(share, (0, 2, 1)))
        own = ops.diagonal(means, axis1=1, axis2=2)
        discrepancy = own[:, :, None] + own[:, None, :] - 2 * means
        there = ops.cast(ops.sum(members, axis=-1) > 0, scores.dtype)
        # The diagonal is 0, and every pair is there twice.
        pairs = there[:, :, None] * there[:, None, :] * (1 - ops.eye(self.groups))
        return ops.divide_no_nan(ops.sum(pairs * discrepancy), ops.sum(pairs))

    def _scores(self, inputs: LossInputs) -> tf.Tensor:
        """Probabilities `[classes, batch]`."""
        if inputs.head == "sigmoid":
            return ops.transpose(ops.sigmoid(inputs.student))
        return _compared(ops.softmax(inputs.student))

    def _members(self, inputs: LossInputs) -> tf.Tensor:
        """Weights `[classes, groups, batch]`, 0 outside of a group."""
        codes = group_codes(inputs.groups, self.attribute, self.name)
        members = ops.transpose(ops.one_hot(codes, self.groups)) * inputs.weights
        positive = self._positive(inputs)
        selected = {
            "positives": positive,
            "negatives": 1 - positive,
            "all": ops.ones_like(positive),
        }[self.on]
        return members[None] * selected[:, None, :]

    def _positive(self, inputs: LossInputs) -> tf.Tensor:
        """1 where an example is of the class, `[classes, batch]`."""
        classes = inputs.student.shape[-1]
        labels: Any = inputs.labels
        if labels is None:  # Nobody asks.
            positive = ops.zeros_like(inputs.student)
        elif inputs.head == "sigmoid" or (
            len(labels.shape) == 2 and labels.shape[-1] == classes
        ):
            positive = ops.cast(ops.reshape(labels, (-1, classes)), "float32")
        else:
            codes = ops.reshape(ops.cast(labels, "int32"), (-1,))
            positive = ops.one_hot(codes, classes)
        if inputs.head == "sigmoid":
            return ops.transpose(positive)
        return _compared(positive)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            groups=self.groups,
            on=self.on,
            length=self.length,
            attribute=self.attribute,
        )
        return config


def _compared(of_classes: tf.Tensor) -> tf.Tensor:
    """`[batch, classes]` of a softmax -> `[classes, batch]`, of two the second."""
    columns = ops.transpose(of_classes)
    return columns[1:] if of_classes.shape[-1] == 2 else columns
