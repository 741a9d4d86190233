"""The parts of the loss that the user adds, such as objectives over groups."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kd_keras.distiller.batch import Batch, Mean
from kd_keras.distiller.combination import combine_teachers, normalized
from kd_keras.distiller.outputs import Output
from kd_keras.distiller.part_term import part_term
from kd_keras.losses import LossInputs, LossPart


@dataclasses.dataclass(frozen=True)
class AddedParts:
    """What `Distiller(parts=...)` names, on every output that has a head.

    Attributes:
      parts: `LossPart`s.
      teacher_weights: weights of the teachers, or None.
      combination: what is averaged over several teachers.
      loss_weights: weights of the outputs, or None.
    """

    parts: Sequence[LossPart]
    teacher_weights: Sequence[float] | None
    combination: str
    loss_weights: Any

    def __call__(self, batch: Batch) -> list[Mean]:
        """One mean per part and output with a head."""
        pairs = zip(batch.outputs, batch.scales(self.loss_weights), strict=True)
        return [
            self._mean(part, output, scale, batch)
            for output, scale in pairs
            for part in self.parts
            if output.head is not None
        ]

    def _mean(self, part: LossPart, output: Output, scale: float, batch: Batch) -> Mean:
        schedule = batch.schedule
        inputs = LossInputs(
            output.student,
            self._teacher(output, batch) if "teacher" in part.needs else None,
            schedule.temperature,
            output.labels,
            batch.targets.groups,
            head=output.head,
            training=batch.training,
        )
        where = f"output {output.name!r}"
        term = part_term(part, inputs, output.weights, output.mask, where=where)
        return Mean(part.name, scale, part.warmup(schedule.step) * part.weight, term)

    def _teacher(self, output: Output, batch: Batch) -> Any:
        return combine_teachers(
            output.teacher,
            normalized(self.teacher_weights, len(output.teacher)),
            self.combination,
            str(output.head),
            batch.schedule.temperature,
        )
