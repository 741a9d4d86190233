"""From the counts of an audit to what it found."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kd_keras.auditing import text
from kd_keras.auditing.counting import Tally
from kd_keras.auditing.groups import group_changes
from kd_keras.auditing.measure import Measure
from kd_keras.auditing.options import Options
from kd_keras.auditing.result import Audit
from kd_keras.fairness.cell_counts import Attribute


def conclude(
    tally: Tally,
    data: str,
    class_names: Sequence[str],
    attributes: tuple[Attribute, ...],
    options: Options,
    remarks: Sequence[str],
) -> Audit:
    """Measures everything that was asked for.

    Args:
      tally: counts of all examples.
      data: name of the data set.
      class_names: the classes.
      attributes: attributes and crossings.
      options: what is measured, and how.
      remarks: what was odd about the scores.

    Returns:
      An `Audit`.
    """
    counts, pairs, seeds = tally.counts(), tally.pairs(), tally.seeds()
    measure = Measure(
        tally, attributes, options.gaps, options.min_examples, options.intervals()
    )
    values, changes, sds = measure.run(counts, pairs, seeds)
    audit = Audit(
        data=data,
        class_names=tuple(class_names),
        attributes=attributes,
        gaps=tuple(options.gaps),
        level=options.level,
        min_examples=options.min_examples,
        models={model: tuple(runs) for model, runs in tally.models.items()},
        counts=counts,
        pairs=pairs,
        values=values,
        changes=changes,
        sds=sds,
        groups=group_changes(
            tally, counts, pairs, seeds, attributes, options.min_examples, options.level
        ),
        disagreement={
            model: 1 - float(np.mean([pairs[run].agreement() for run in runs]))
            for model, runs in list(tally.models.items())[1:]
        },
    )
    odd = (*text.worse_than_chance(audit), *text.of_one_class(audit))
    return dataclasses.replace(audit, remarks=(*remarks, *odd))
