"""MFD: each group's features are to be those that the teacher has for everybody."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.losses import FeatureHint, LossInputs
from kd_keras.mitigation.membership import (
    crossed,
    group_codes,
    require_count,
    shares,
    squared_distances,
)


@keras.saving.register_keras_serializable(package="kd_keras")
class FairFeatures(FeatureHint):
    """MMD-based fair distillation (MFD) of the features of a layer.

    1/2 sum_y sum_g MMD^2(teacher's features | y, student's features | y, g)

    with the kernel exp(-|a - b|^2 / (2 sigma m)), where m is the mean squared distance
    of the teacher's and the student's features in the batch, which is not trained. The
    sum is over the classes and groups in the batch: the student's features of each
    group of a class shall be spread as the teacher's of the whole class. `weight` is
    the lambda of the paper.

    A hint: `Distiller(hints=[FairFeatures("block3", "block2", groups=2, classes=10,
    weight=3)])`; so the teacher is there and no cache. Batches bring "groups"; a
    student's features of the group -1 are left out. Features of another width get a
    trained projection; features with positions are compared whole. It compares the
    examples of all replicas, weighted by the sample weights.

    Args:
      teacher_layer, student_layer, teacher_index: see `kd_keras.losses.FeatureHint`.
      groups: number of groups; their codes are 0 to groups - 1.
      classes: number of classes.
      sigma: width of the kernel.
      attribute: key of the groups, where batches bring a dict of them.
      weight: factor in the loss.
      name: name in the logs; by default the student's layer and "_hint".

    Raises:
      ValueError: if an argument is not as described.

    Reference:
      Jung et al., "Fair Feature Distillation for Visual Recognition", CVPR 2021, eq. 5
      to 7; kernel as in the authors' code.
    """

    needs = ("teacher", "labels", "groups")

    def __init__(
        self,
        teacher_layer: str,
        student_layer: str,
        groups: int,
        classes: int,
        sigma: float = 1.0,
        attribute: str | None = None,
        weight: float = 1.0,
        teacher_index: int = 0,
        name: str | None = None,
    ):
        require_count("FairFeatures", "groups", groups, 1)
        require_count("FairFeatures", "classes", classes, 2)
        if not 0 < sigma < float("inf"):
            raise ValueError(
                "`sigma` of a FairFeatures must be a number above 0. Received: "
                f"sigma={sigma!r}. 1 is a usual one."
            )
        super().__init__(
            teacher_layer,
            student_layer,
            weight=weight,
            teacher_index=teacher_index,
            name=name,
        )
        self.groups = groups
        self.classes = classes
        self.sigma = sigma
        self.attribute = attribute

    @property
    def whole_batch(self) -> bool:  # type: ignore[override]
        """It compares examples with each other."""
        return True

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """The loss of all classes and groups in the batch, a scalar."""
        weights: Any = inputs.weights
        teacher, student = _centred(inputs, weights)
        labels, members = self._members(inputs, weights)
        classes, cells = shares(labels), shares(members)
        across = squared_distances(teacher, student)
        pairs = weights[:, None] * weights[None, :]
        mean = ops.divide_no_nan(ops.sum(pairs * across), ops.sum(pairs))
        scale = 2 * self.sigma * ops.maximum(ops.stop_gradient(mean), 1e-12)

        def kernel(distances: tf.Tensor) -> tf.Tensor:
            return ops.exp(-distances / scale)

        of_teacher = kernel(squared_distances(teacher, teacher))
        of_student = kernel(squared_distances(student, student))
        teachers = ops.sum(ops.matmul(classes, of_teacher) * classes, axis=1)
        students = ops.sum(ops.matmul(cells, of_student) * cells, axis=1)
        classes = ops.repeat(classes, self.groups, axis=0)
        between = ops.sum(ops.matmul(classes, kernel(across)) * cells, axis=1)
        there = ops.cast(ops.sum(members, axis=1) > 0, students.dtype)
        squared = ops.repeat(teachers, self.groups) + students - 2 * between
        return 0.5 * ops.sum(there * squared)

    def _members(
        self, inputs: LossInputs, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Weights of the examples `[classes, batch]`, `[classes * groups, batch]`."""
        labels: Any = inputs.labels
        if len(labels.shape) == 2 and labels.shape[-1] == self.classes:
            labels = ops.argmax(labels, axis=-1)
        labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
        codes = group_codes(inputs.groups, self.attribute, self.name)
        codes = crossed(labels, codes, self.groups)
        return (
            ops.transpose(ops.one_hot(labels, self.classes)) * weights,
            ops.transpose(ops.one_hot(codes, self.classes * self.groups)) * weights,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["loss"]  # There is this one.
        config.update(
            groups=self.groups,
            classes=self.classes,
            sigma=self.sigma,
            attribute=self.attribute,
        )
        return config


def _centred(inputs: LossInputs, weights: tf.Tensor) -> list[tf.Tensor]:
    """Rows `[batch, d]` of the teacher and the student, around the teacher's mean.

    Distances stay; their squares do not cancel. What has no weight may be anything.
    """
    rows = []
    both: Any = (inputs.teacher, inputs.student)
    for features in both:
        size = math.prod(features.shape[1:])
        row = ops.reshape(features, (ops.shape(features)[0], size))
        rows.append(ops.where(weights[:, None] > 0, row, 0.0))
    total = ops.matmul(weights[None, :], rows[0])
    centre = ops.stop_gradient(ops.divide_no_nan(total, ops.sum(weights)))
    return [row - centre for row in rows]
