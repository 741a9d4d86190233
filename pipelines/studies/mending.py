"""What each method that mends while training changes of a plain distillation.

A method is a function of a `Given` and its options, and gives `Changes`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import ml_collections
import numpy as np

from kd_keras.datasets import Dataset
from kd_keras.datasets.batches import evaluation_batches
from kd_keras.mitigation import (
    BalancedKD,
    BalancedSoftmax,
    FairFeatures,
    GroupDRO,
    MinDiff,
    MixedLoss,
    ada_alpha,
)
from kd_keras.mitigation.sample_weights import (
    balancing_cells,
    cell_counts,
    reweighing_cells,
)
from pipelines.studies import parts
from pipelines.studies.layout import PLAIN


class Given(NamedTuple):
    """What a method may read.

    Attributes:
      config: the study's config.
      dataset: the data set.
      load_teacher: gives the trained teacher of the run's seed.
    """

    config: ml_collections.ConfigDict
    dataset: Dataset
    load_teacher: Callable[[], Any]

    def attribute(self, name: str) -> str:
        """That attribute, or the study's first one; ValueError without one."""
        found = name or next(iter(self.dataset.spec.groups), "")
        self.dataset.spec.require_attribute(found)
        return found

    def groups(self, attribute: str) -> int:
        """Number of groups of an attribute."""
        return len(self.dataset.spec.groups[attribute])

    def counts(self, attribute: str = "") -> np.ndarray:
        """Training examples `[groups + 1, classes]`; the last row is the unknown one.

        Without an attribute all are unknown.
        """
        spec = self.dataset.spec
        keys = (spec.label, *([attribute] if attribute else []))
        rows = (
            self.dataset.splits["train"]
            .map(lambda example: tuple(example[key] for key in keys))
            .batch(4096)
        )
        columns = [
            np.concatenate(c) for c in zip(*rows.as_numpy_iterator(), strict=True)
        ]
        groups = columns[1] if attribute else np.full(len(columns[0]), -1)
        num_groups = self.groups(attribute) if attribute else 0
        return cell_counts(columns[0], groups, num_groups, spec.num_classes)

    def class_counts(self) -> np.ndarray:
        """Training examples `[classes]`."""
        return self.counts().sum(axis=0)


class Changes(NamedTuple):
    """What a method changes of a plain distillation.

    Attributes:
      attribute: whose groups `weights` and the batches have; empty for none.
      weights: weight of each training example by group, the unknown one last, and
        class, `[groups + 1, classes]`; None for none.
      brings_groups: whether the batches bring the group beside the label.
      unknown: code of the unknown group in the batches.
      distiller: arguments of the Distiller, in the place of the study's.
      loss: hard loss; None for the cross-entropy.
    """

    attribute: str = ""
    weights: np.ndarray | None = None
    brings_groups: bool = False
    unknown: int = -1
    distiller: Mapping[str, Any] = {}
    loss: keras.losses.Loss | None = None


NOTHING = Changes()


def plain(given: Given) -> Changes:
    """Distillation as it is."""
    return NOTHING


def reweighed(given: Given, *, attribute: str = "") -> Changes:
    """Weights under which the class says nothing of the group: `reweighing`."""
    attribute = given.attribute(attribute)
    return Changes(attribute, reweighing_cells(given.counts(attribute)))


def balanced(given: Given, *, attribute: str = "") -> Changes:
    """Every group and class counts alike: `group_balancing`."""
    attribute = given.attribute(attribute)
    return Changes(attribute, balancing_cells(given.counts(attribute)))


def group_dro(
    given: Given,
    *,
    attribute: str = "",
    by_class: bool = True,
    eta: float = 0.01,
    adjustment: float = 0.0,
) -> Changes:
    """The groups, or groups and classes, that lose most count most: `GroupDRO`.

    Examples of an unknown group are one group more.
    """
    attribute = given.attribute(attribute)
    counts = given.counts(attribute)
    if not counts[-1].any():
        counts = counts[:-1]
    groups, classes = counts.shape
    loss = GroupDRO(
        groups=groups,
        classes=classes if by_class else None,
        eta=eta,
        adjustment=adjustment,
        counts=(counts.T if by_class else counts.sum(axis=1)).ravel().tolist(),
        alpha=given.config.alpha,
        soft_loss=parts.soft_loss(given.config),
        scale_by_temperature_squared=given.config.scale_by_temperature_squared,
    )
    distiller = {"soft_loss": loss, "alpha": 1.0}
    unknown = given.groups(attribute)
    return Changes(attribute, None, True, unknown, distiller)


def min_diff(
    given: Given,
    *,
    attribute: str = "",
    weight: float = 1.0,
    on: str = "negatives",
    length: float = 0.1,
) -> Changes:
    """The scores of the groups are brought together: `MinDiff`."""
    attribute = given.attribute(attribute)
    part = MinDiff(given.groups(attribute), on, length, name="min_diff", weight=weight)
    return Changes(attribute, None, True, distiller={"parts": [part]})


def mfd(
    given: Given,
    *,
    attribute: str = "",
    teacher_layer: str,
    student_layer: str,
    weight: float = 3.0,
    sigma: float = 1.0,
) -> Changes:
    """Features of each group as the teacher has them of everybody: `FairFeatures`."""
    attribute = given.attribute(attribute)
    hint = FairFeatures(
        teacher_layer,
        student_layer,
        given.groups(attribute),
        given.dataset.spec.num_classes,
        sigma,
        weight=weight,
        name="mfd",
    )
    hints = [*parts.hints(given.config), hint]
    return Changes(attribute, None, True, distiller={"hints": hints})


def adaptive_alpha(given: Given, *, offset: float = 0.0) -> Changes:
    """A teacher is trusted as far as it knows a class: `ada_alpha`, of validation."""
    spec, examples = given.dataset.spec, given.dataset.splits["validation"]
    teacher, labels, predicted = given.load_teacher(), [], []
    for x, y in evaluation_batches(examples, spec):
        labels.append(y.numpy())
        predicted.append(np.argmax(teacher(x, training=False), axis=-1))
    loss = MixedLoss(
        ada_alpha(np.concatenate(labels), np.concatenate(predicted), offset),
        parts.soft_loss(given.config),
        scale_by_temperature_squared=given.config.scale_by_temperature_squared,
    )
    return Changes(distiller={"soft_loss": loss, "alpha": 1.0})


def balanced_kd(given: Given) -> Changes:
    """A teacher whose rare classes are given more weight: `BalancedKD`."""
    loss = BalancedKD(given.class_counts().tolist())
    return Changes(distiller={"soft_loss": loss})


def balanced_softmax(given: Given) -> Changes:
    """A hard loss that knows how common the classes are: `BalancedSoftmax`."""
    return Changes(loss=BalancedSoftmax(given.class_counts().tolist()))


METHODS: dict[str, Callable[..., Changes]] = {
    PLAIN: plain,
    "reweighed": reweighed,
    "balanced": balanced,
    "group_dro": group_dro,
    "min_diff": min_diff,
    "mfd": mfd,
    "ada_alpha": adaptive_alpha,
    "balanced_kd": balanced_kd,
    "balanced_softmax": balanced_softmax,
}
