"""What damage to the data does to every run: accuracy, groups, calibration."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kd_keras.datasets.corruptions import SEVERITIES
from kd_keras.fairness import GAPS
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gaps import gap
from kd_keras.fairness.names import attribute_name
from pipelines.analysis.calibrated import calibration_values
from pipelines.analysis.measures import ACCURACY, DPD, EOD
from pipelines.analysis.results import Model, Result, Study
from pipelines.studies import corrupted, corruption_options

ECE = "ece"
WORST = "worst_group_accuracy"
CLEAN = "none"  # The corruption of undamaged data, in tables.


class Quantity(NamedTuple):
    """What is measured of a run.

    Attributes:
      metric: "accuracy", "ece", or a gap of `kd_keras.fairness.GAPS`.
      attribute: whose groups a gap is between; empty for the others.
    """

    metric: str
    attribute: Attribute = ""

    @property
    def title(self) -> str:
        """For people."""
        name = GAPS[self.metric].short if self.metric in (DPD, EOD) else self.metric
        by = f" by {attribute_name(self.attribute)}" if self.attribute else ""
        return name.replace("_", " ") + by


# Of one run: quantity -> its value.
Values = Mapping[Quantity, float]


@dataclasses.dataclass(frozen=True)
class Robustness:
    """Every run on undamaged data and on damaged ones.

    Attributes:
      names: the corruptions.
      clean: model -> seed -> quantities.
      damaged: model -> seed -> corruption -> quantities at each severity.
      quantities: what is measured.
    """

    names: Sequence[str]
    clean: Mapping[Model, Mapping[int, Values]]
    damaged: Mapping[Model, Mapping[int, Mapping[str, Sequence[Values]]]]
    quantities: Sequence[Quantity]

    def of(
        self, model: Model, quantity: Quantity, corruption: str = ""
    ) -> dict[int, float]:
        """Seed -> mean over the severities of a corruption, or over all of them.

        Args:
          model: the model.
          quantity: what is measured.
          corruption: one of `names`, "none" for undamaged data; empty for the mean over
            all corruptions.
        """
        if corruption == CLEAN:
            return {s: values[quantity] for s, values in self.clean[model].items()}
        names = [corruption] if corruption else self.names
        return {
            seed: float(np.mean([v[quantity] for n in names for v in by_name[n]]))
            for seed, by_name in self.damaged[model].items()
        }

    def corruption_error(
        self, model: Model, base: Model | None, corruption: str = ""
    ) -> dict[int, float]:
        """Seed -> corruption error relative to that of `base` with the same seed.

            CE_c = sum over severities of the error of the model
                   / sum over severities of the error of the base

        and its mean over corruptions, mCE (Hendrycks & Dietterich 2019, section 4.2,
        whose base is AlexNet). NaN where the base makes no error; seeds that the base
        has not are left out.
        """
        if base is None:
            return {}
        found: dict[int, list[float]] = {}
        accuracy = Quantity(ACCURACY)
        for name in [corruption] if corruption else self.names:
            own, others = (self.of(m, accuracy, name) for m in (model, base))
            for seed in own.keys() & others.keys():
                errors, of_base = 1 - own[seed], 1 - others[seed]
                ratio = errors / of_base if of_base else np.nan
                found.setdefault(seed, []).append(ratio)
        return {seed: float(np.mean(found[seed])) for seed in sorted(found)}

    def worst(self, model: Model, corruption: str = "") -> dict[int, float]:
        """Seed -> accuracy of the worst group of any attribute, as of `of`."""
        by_attribute = [
            self.of(model, quantity, corruption)
            for quantity in self.quantities
            if quantity.metric == WORST
        ]
        return {
            seed: float(np.fmin.reduce([found[seed] for found in by_attribute]))
            for seed in (by_attribute[0] if by_attribute else ())
        }


def measure(workdir: str, study: Study) -> Robustness | str | None:
    """Measures every run; or says why that cannot be; None where nobody asks.

    Raises:
      ValueError: if a file is not what was written.
    """
    names = corruption_options.names(study.config)
    if not names:
        return None
    quantities = [Quantity(ACCURACY), Quantity(ECE)]
    quantities += [Quantity(m, a) for a in study.attributes for m in (WORST, DPD, EOD)]
    clean: dict[Model, dict[int, Values]] = {}
    damaged: dict[Model, dict[int, dict[str, list[Values]]]] = {}
    for model, seeds in study.models.items():
        for seed, result in seeds.items():
            try:
                found = {n: read(workdir, study, result, n, study.split) for n in names}
            except corrupted.MissingError as error:
                return str(error)
            clean.setdefault(model, {})[seed] = _values(study, result, quantities)
            damaged.setdefault(model, {})[seed] = {
                name: [_values(study, one, quantities) for one in by_severity]
                for name, by_severity in found.items()
            }
    return Robustness(names, clean, damaged, quantities)


def read(
    workdir: str, study: Study, result: Result, name: str, split: str
) -> list[Result]:
    """A run's result on a damaged split, at each severity.

    Raises:
      corrupted.MissingError: if there is none of this model and these data.
      ValueError: if the file is not what was written, or of other examples.
    """
    found = corrupted.read(workdir, result.run, result.info, name, [split])
    ids, logits = found[split]
    if not np.array_equal(ids, study.truth[split].ids.astype("S")):
        raise corrupted.MissingError(
            f"what {result.run.directory} predicts under {name} is of other examples"
        )
    return [
        dataclasses.replace(result, logits={split: logits[i]})
        for i in range(len(SEVERITIES))
    ]


def _values(study: Study, result: Result, quantities: Sequence[Quantity]) -> Values:
    truth, split = study.truth[study.split], study.split
    # Not `Study.counts`, which would keep those of every severity.
    counts = truth.counts(study.spec, result.predicted(split))
    found = {}
    for quantity in quantities:
        if quantity.metric == ACCURACY:
            value = float(np.mean(result.predicted(split) == truth.labels))
        elif quantity.metric == ECE:
            logits = result.logits[split]
            value = float(calibration_values(truth.labels, logits, ECE)[0])
        else:
            value = gap(
                counts,
                quantity.metric,
                attribute=quantity.attribute,
                min_examples=study.min_examples,
            ).value
        found[quantity] = value
    return found
