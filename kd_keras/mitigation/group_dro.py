"""Group DRO: the groups with the highest loss count most."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kd_keras.losses import LossInputs
from kd_keras.mitigation.membership import crossed, group_codes, require_count
from kd_keras.mitigation.mixed_loss import MixedLoss, class_of


@keras.saving.register_keras_serializable(package="kd_keras")
class GroupDRO(MixedLoss):
    """The distillation loss of the groups, weighted towards those that lose most.

    L_g = mean of l_i over the group in the batch; in training q_g <- q_g exp(eta L_g)
    / Z; the loss is sum_g q_g L_g. A group that is not in the batch keeps its q but for
    Z. l_i is that of `MixedLoss`, labels and teacher together.

    It is passed as soft loss of a `Distiller` with alpha=1. Batches bring "groups";
    an example of an unknown group, -1, trains nothing. Means are weighted by the
    sample weights and are of all replicas. With several outputs, or several teachers
    and combine_teachers="losses", q moves once for each.

    Args:
      groups: number of groups; their codes are 0 to groups - 1.
      classes: number of classes, to take each group and class for a group, as against
        a feature that goes with the class in training; None for groups alone.
      eta: step size of q.
      adjustment: C; what C / sqrt(n_g) adds to the loss that moves q, since small
        groups generalise worse.
      counts: n_g, examples `[groups]` of each group in the training data, or
        `[classes * groups]`, a class after the other; needed where C > 0.
      attribute: key of the groups, where batches bring a dict of them.
      alpha: share of the teacher, in [0, 1]: one for all, or one for each class.
      soft_loss, hard_loss, scale_by_temperature_squared: see `MixedLoss`.
      name: its name in messages.
      weight: its factor in the loss.

    Raises:
      ValueError: if an argument is not as described.

    Reference:
      Sagawa et al., "Distributionally Robust Neural Networks for Group Shifts", ICLR
      2020, algorithm 1 and eq. 5; with a teacher: Wang et al., "Robust Distillation for
      Worst-class Performance", UAI 2023, and Vilouras et al., "Group Distributionally
      Robust Knowledge Distillation", MLMI 2023 (arXiv 2311.00476).
    """

    needs = ("teacher", "labels", "groups")
    whole_batch = True

    def __init__(
        self,
        groups: int,
        classes: int | None = None,
        eta: float = 0.01,
        adjustment: float = 0.0,
        counts: Sequence[float] | None = None,
        attribute: str | None = None,
        alpha: float | Sequence[float] = 0.8,
        soft_loss: str | Callable = "kl",
        hard_loss: keras.losses.Loss | None = None,
        scale_by_temperature_squared: bool = True,
        name: str | None = None,
        weight: float = 1.0,
    ):
        super().__init__(
            alpha, soft_loss, hard_loss, scale_by_temperature_squared, name, weight
        )
        require_count("GroupDRO", "groups", groups, 1)
        if classes is not None:
            require_count("GroupDRO", "classes", classes, 2)
        for argument, value in (("eta", eta), ("adjustment", adjustment)):
            if not 0 <= value < float("inf"):
                raise ValueError(
                    f"`{argument}` of a GroupDRO must be a number of at least 0. "
                    f"Received: {argument}={value!r}. 0.01 is a usual eta, 0 no "
                    "adjustment."
                )
        self.groups, self.classes = groups, classes
        self.eta, self.adjustment = eta, adjustment
        self.counts = None if counts is None else [float(n) for n in counts]
        self.attribute = attribute
        if adjustment and len(self.counts or ()) != self.cells:
            raise ValueError(
                f"`counts` of a GroupDRO must have {self.cells} numbers where there is "
                f"an adjustment. Received: counts={counts!r}. Count the training data."
            )
        self._shares: keras.Variable | None = None

    @property
    def cells(self) -> int:
        """Number of groups, or of groups and classes."""
        return self.groups * (self.classes or 1)

    @property
    def shares(self) -> keras.Variable:
        """q, `[cells]`."""
        return self.variables[-1]

    @property
    def variables(self) -> list[keras.Variable]:  # type: ignore[override]
        """The alphas of the classes, if there are any, and q."""
        if self._shares is None:
            self._shares = keras.Variable(
                np.full(self.cells, 1 / self.cells),
                dtype="float32",
                trainable=False,
                name="group_shares",
                # Every replica sees the whole batch, and so comes to the same.
                aggregation="only_first_replica",
            )
        return [*super().variables, self._shares]

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """sum_g q_g L_g, a scalar."""
        members = self._members(inputs)
        weights: Any = inputs.weights
        losses = _total(members, weights * self.of_examples(inputs))
        sizes = _total(members, weights)
        means = ops.divide_no_nan(losses, sizes)
        shares = ops.convert_to_tensor(self.shares)
        if inputs.training:
            shares = self._moved(shares, ops.stop_gradient(means), sizes > 0)
            self.shares.assign(shares)
        return ops.sum(shares * means)

    def _members(self, inputs: LossInputs) -> tf.Tensor:
        """1 where an entry of an example is in a group, `[batch, entries, cells]`.

        Without classes all entries of an example are in one, `[batch, 1, cells]`.
        """
        codes = group_codes(inputs.groups, self.attribute, self.name)[:, None]
        if self.classes is not None:
            labels = class_of(inputs)
            labels = ops.reshape(labels, (ops.shape(labels)[0], -1))
            codes = crossed(labels, codes, self.groups)
        return ops.one_hot(codes, self.cells)

    def _moved(
        self, shares: tf.Tensor, means: tf.Tensor, present: tf.Tensor
    ) -> tf.Tensor:
        if self.adjustment and self.counts:
            # A group that is nowhere in the training data is in no batch either.
            sizes = np.maximum(np.array(self.counts, "float32"), 1.0)
            means = means + self.adjustment / np.sqrt(sizes)
        grown = ops.where(present, self.eta * means, 0.0)
        # The same shares, and no overflow.
        moved = shares * ops.exp(grown - ops.max(grown))
        return moved / ops.sum(moved)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            groups=self.groups,
            classes=self.classes,
            eta=self.eta,
            adjustment=self.adjustment,
            counts=self.counts,
            attribute=self.attribute,
        )
        return config


def _total(members: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Sum over the entries `[batch, ...]` of each group, `[cells]`."""
    rows = ops.reshape(values, (ops.shape(values)[0], -1))
    return ops.sum(members * rows[..., None], axis=(0, 1))
