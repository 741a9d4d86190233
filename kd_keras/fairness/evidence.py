"""Evidence: whether a slice has enough positives and negatives to be judged."""

from typing import Literal, NamedTuple

import numpy as np

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.confusion import confusions
from kd_keras.fairness.encoding import Group
from kd_keras.fairness.prediction_counts import PredictionCounts


class SliceEvidence(NamedTuple):
    """Evidence of one group for one positive class, in examples without weights."""

    group: Group
    positive_class: int
    positives: int
    negatives: int
    status: Literal["sufficient", "insufficient evidence"]


def evidence(
    counts: PredictionCounts,
    attribute: Attribute | None = None,
    *,
    min_positives: int = 10,
    min_negatives: int = 10,
) -> tuple[SliceEvidence, ...]:
    """Counts positives and negatives of every group.

    To keep the rates of such slices out of a gap, pass `min_examples` to the gap.

    Args:
      counts: counts of one model.
      attribute: as in the gap functions.
      min_positives: positives that a sufficient slice has at least.
      min_negatives: negatives that it has at least.

    Returns:
      One entry for each group for two classes (positive class 1), one for each
      group and class for more.
    """
    groups, index = counts.attribute_index(attribute)
    found = []
    for block in confusions(counts.unweighted(), index, len(groups)):
        positives, negatives = block.positives, block.negatives
        enough = (positives >= min_positives) & (negatives >= min_negatives)
        for i, j in np.ndindex(enough.shape):
            found.append(
                SliceEvidence(
                    groups[i],
                    block.first_class + j,
                    int(positives[i, j]),
                    int(negatives[i, j]),
                    "sufficient" if enough[i, j] else "insufficient evidence",
                )
            )
    return tuple(found)
