"""Parts of the loss that a user could have written, without touching the package."""

import keras
from keras import ops

from kd_keras.losses import FeatureHint, LossPart


@keras.saving.register_keras_serializable(package="tests")
class SquaredDistance(LossPart):
    """A soft loss with a setting of its own that no temperature softens."""

    uses_temperature = False

    def __init__(self, power=2, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def __call__(self, inputs):
        return ops.sum(ops.abs(inputs.teacher - inputs.student) ** self.power, -1)

    def get_config(self):
        config = super().get_config()
        config.update(power=self.power)
        return config


def _mean_of(values, weights):
    # A batch may have nobody of a group.
    return ops.divide_no_nan(ops.sum(values * weights), ops.sum(weights))


@keras.saving.register_keras_serializable(package="tests")
class ScoreGap(LossPart):
    """How far apart the mean scores of class 0 are in the groups 0 and 1."""

    needs = ("groups",)
    whole_batch = True

    def __call__(self, inputs):
        score = inputs.student[:, 0]
        group = ops.cast(inputs.groups, "float32")
        weights = inputs.weights
        return ops.abs(
            _mean_of(score, weights * group) - _mean_of(score, weights * (1 - group))
        )


@keras.saving.register_keras_serializable(package="tests")
class WorseGroup(LossPart):
    """The cross-entropy of the examples, each times its group's share of the loss.

    The shares move towards the group with the higher loss while the student trains,
    as in group DRO.
    """

    needs = ("labels", "groups")
    whole_batch = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.shares = keras.Variable([0.5, 0.5], trainable=False, name="shares")
        self.variables = [self.shares]

    def __call__(self, inputs):
        losses = keras.losses.sparse_categorical_crossentropy(
            inputs.labels, inputs.student, from_logits=True
        )
        members = ops.one_hot(inputs.groups, 2)
        weighted = members * inputs.weights[:, None]
        means = ops.sum(weighted * losses[:, None], 0) / ops.sum(weighted, 0)
        if inputs.training:
            grown = self.shares * ops.exp(means)
            self.shares.assign(grown / ops.sum(grown))
        return losses * ops.sum(members * self.shares, -1)


@keras.saving.register_keras_serializable(package="tests")
class GroupCentroids(FeatureHint):
    """Squared distance of the two models' mean features, summed over the groups."""

    needs = ("teacher", "labels", "groups")
    whole_batch = True

    def __call__(self, inputs):
        members = ops.one_hot(inputs.groups, 2) * inputs.weights[:, None]
        members = ops.divide_no_nan(members, ops.sum(members, 0))
        difference = ops.matmul(ops.transpose(members), inputs.teacher - inputs.student)
        return ops.sum(difference**2)
