"""Class bias: classes that win or lose accuracy relative to the others."""

import dataclasses
from typing import Literal

import numpy as np
import scipy.stats

from kd_keras.fairness.multiplicity import adjust_p_values
from kd_keras.table import Table, number


@dataclasses.dataclass(frozen=True)
class ClassBias:
    """Welch's tests of all classes.

    Attributes:
      change: mean relative accuracy of b minus that of a, `[classes]`.
      p_values: two-sided, uncorrected, `[classes]`; NaN where a class has no
        accuracy or does not vary in either model, so that no test is possible.
      significant: classes with p < alpha, uncorrected: the paper's #SC when a is
        the non-distilled student and b the distilled one, #TC when a is the
        teacher.
      significant_corrected: classes with a Benjamini-Hochberg adjusted p < alpha.
      expected_by_chance: alpha times the number of tested classes: the uncorrected
        count to expect when no class differs.
      untested: classes without a test.
    """

    change: np.ndarray
    p_values: np.ndarray
    significant: tuple[int, ...]
    significant_corrected: tuple[int, ...]
    expected_by_chance: float
    untested: tuple[int, ...]

    def _repr_html_(self) -> str:
        title = (
            f"{len(self.significant)} classes uncorrected, "
            f"{len(self.significant_corrected)} corrected, "
            f"{number(self.expected_by_chance)} expected by chance"
        )
        rows = [
            (str(label), number(change, "+.4f"), number(p_value))
            for label, (change, p_value) in enumerate(
                zip(self.change, self.p_values, strict=True)
            )
        ]
        return Table(title, ("class", "change", "p value"), rows).html()


def class_bias(
    class_accuracy_a,
    class_accuracy_b,
    *,
    overall_a,
    overall_b,
    relative: Literal["ratio", "difference"] = "ratio",
    alpha: float = 0.05,
) -> ClassBias:
    """Tests for each class whether its relative accuracy changed from a to b.

    Class bias of Mohammadshahi & Ioannou (TMLR 2025): Welch's t-test over the
    initialisations of accuracy of the class relative to the overall accuracy.

    Args:
      class_accuracy_a: accuracy of each class under each initialisation of model a,
        `[runs_a, classes]`, see GroupCounts.class_accuracy; at least two runs.
      class_accuracy_b: same for model b, `[runs_b, classes]`.
      overall_a: overall accuracy of each run of a, `[runs_a]`, positive.
      overall_b: same for b, `[runs_b]`.
      relative: "ratio" for class accuracy / overall accuracy, "difference" for class
        accuracy - overall accuracy.
      alpha: level of each test.

    Raises:
      ValueError: if shapes do not fit, or a ratio would divide by 0.
    """
    a = _relative_accuracy("a", class_accuracy_a, overall_a, relative)
    b = _relative_accuracy("b", class_accuracy_b, overall_b, relative)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            "`class_accuracy_a` and `class_accuracy_b` must have the same classes. "
            f"Received: {a.shape[1]} and {b.shape[1]}."
        )
    varies = (np.ptp(a, axis=0) > 0) | (np.ptp(b, axis=0) > 0)
    p_values = np.full(a.shape[1], np.nan)
    p_values[varies] = _welch(a[:, varies], b[:, varies])
    corrected = adjust_p_values(p_values, method="benjamini_hochberg")

    def classes(chosen: np.ndarray) -> tuple[int, ...]:
        return tuple(np.nonzero(chosen)[0].tolist())

    return ClassBias(
        b.mean(axis=0) - a.mean(axis=0),
        p_values,
        classes(p_values < alpha),
        classes(corrected < alpha),
        alpha * float(np.isfinite(p_values).sum()),
        classes(np.isnan(p_values)),
    )


def _welch(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p-values of Welch's test of `[runs, classes]`."""
    (mean_a, sd_a), (mean_b, sd_b) = ((x.mean(0), x.std(0, ddof=1)) for x in (a, b))
    return scipy.stats.ttest_ind_from_stats(
        mean_a, sd_a, len(a), mean_b, sd_b, len(b), equal_var=False
    ).pvalue


def _relative_accuracy(model: str, class_accuracy, overall, relative) -> np.ndarray:
    class_accuracy = np.asarray(class_accuracy, np.float64)
    overall = np.asarray(overall, np.float64)
    if class_accuracy.ndim != 2 or len(class_accuracy) < 2:
        raise ValueError(
            f"`class_accuracy_{model}` must have shape [runs, classes] with at least "
            f"two runs. Received: {class_accuracy.shape}. Train with more seeds."
        )
    if overall.shape != class_accuracy.shape[:1]:
        raise ValueError(
            f"`overall_{model}` must have shape [{len(class_accuracy)}], one for each "
            f"run. Received: {overall.shape}."
        )
    if relative == "difference":
        return class_accuracy - overall[:, np.newaxis]
    if relative != "ratio":
        raise ValueError(
            f'`relative` must be "ratio" or "difference". Received: {relative!r}.'
        )
    if not (overall > 0).all():
        raise ValueError(
            f"`overall_{model}` must be positive for a ratio. Received: {overall}. "
            'Use relative="difference".'
        )
    return class_accuracy / overall[:, np.newaxis]
