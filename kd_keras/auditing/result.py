"""What an audit found."""

import dataclasses
import html
from collections.abc import Iterator, Mapping

from kd_keras.auditing.figure import intervals_svg
from kd_keras.fairness import GAPS, GroupCounts, Interval, PairedCounts
from kd_keras.table import Table, number

# (model, "accuracy" or name of a gap, attribute or "" for all examples)
Key = tuple[str, str, str]


@dataclasses.dataclass(frozen=True, repr=False)
class Audit:
    """Comparison of models on one data set; `print` shows it.

    A key is (model, metric, attribute): the metric is "accuracy" or the name of a
    gap, the attribute of an accuracy is "".

    Attributes:
      data: name of the data set.
      class_names: the classes in the order of their labels.
      attributes: the sensitive attributes.
      gaps: names of the gaps that were measured.
      level: nominal coverage of the intervals.
      counts: model -> its counts, from which any other number can be had.
      pairs: model -> its counts beside those of the reference, as model b.
      values: key -> the value with its interval.
      changes: key -> the value minus that of the reference, on the same draws of
        examples; for all models but the reference.
      disagreement: model -> share of examples on which it predicts another class
        than the reference.
    """

    data: str
    class_names: tuple[str, ...]
    attributes: tuple[str, ...]
    gaps: tuple[str, ...]
    level: float
    counts: Mapping[str, GroupCounts]
    pairs: Mapping[str, PairedCounts]
    values: Mapping[Key, Interval]
    changes: Mapping[Key, Interval]
    disagreement: Mapping[str, float]

    @property
    def reference(self) -> str:
        """Name of the model that the others are compared with."""
        return next(iter(self.counts))

    def tables(self) -> Iterator[Table]:
        """Accuracy, then the gaps and the groups' accuracy of each attribute."""
        yield self._table("all examples", ("accuracy",), "")
        for attribute in self.attributes:
            base = self.counts[self.reference].base_rate_difference(attribute)
            title = f"{attribute} (base rate gap {_percent(float(base))} %)"
            yield self._table(title, self.gaps, attribute)
            yield self._groups(attribute)

    def _table(self, title: str, metrics: tuple[str, ...], attribute: str) -> Table:
        columns = ["model"]
        for metric in metrics:
            columns += [f"{_name(metric)} %", "change"]
        if not attribute:
            columns.append("disagreement %")
        rows = [
            self._row(model, [(model, metric, attribute) for metric in metrics])
            for model in self.counts
        ]
        return Table(title, columns, rows)

    def _row(self, model: str, keys: list[Key]) -> list[str]:
        cells = [model]
        for key in keys:
            change = self.changes.get(key)
            cells += [_cell(self.values[key]), _cell(change, "+") if change else ""]
        if not keys[0][2]:
            share = self.disagreement.get(model)
            cells.append("" if share is None else _percent(share))
        return cells

    def _groups(self, attribute: str) -> Table:
        by_model = [counts.accuracy(attribute) for counts in self.counts.values()]
        rows = [
            [
                str(group),
                str(n),
                *(_percent(rates.by_group[group]) for rates in by_model),
            ]
            for group, n in by_model[0].examples.items()
        ]
        columns = [attribute, "examples", *(f"{m}, accuracy %" for m in self.counts)]
        return Table("", columns, rows)

    def _headline(self) -> str:
        return (
            f"{self.data}: {self.counts[self.reference].num_examples} examples, "
            f"{100 * self.level:g} % intervals; change and disagreement are against "
            f"{self.reference}"
        )

    def notes(self) -> list[str]:
        """Why values are undefined, one line each."""
        return [
            f"{_name(metric)} by {attribute} of {model} is undefined: {interval.reason}"
            for (model, metric, attribute), interval in self.values.items()
            if interval.reason
        ]

    def __str__(self) -> str:
        tables = [table.text() for table in self.tables()]
        return "\n\n".join([self._headline(), *tables, *self.notes()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        tables = [table.html() for table in self.tables()]
        headline, *notes = (
            f"<p>{html.escape(line)}.</p>" for line in [self._headline(), *self.notes()]
        )
        return "".join([headline, *self._figures(), *tables, *notes])

    def _figures(self) -> Iterator[str]:
        keys = dict.fromkeys((metric, group) for _, metric, group in self.values)
        for metric, attribute in keys:
            by = f" by {attribute}" if attribute else ""
            intervals = {
                model: self.values[model, metric, attribute] for model in self.counts
            }
            yield intervals_svg(f"{_name(metric)}{by}", intervals)


def _name(metric: str) -> str:
    short = GAPS[metric].short if metric in GAPS else ""
    return short or metric.replace("_", " ")


def _percent(share: float, sign: str = "") -> str:
    return number(100 * share, f"{sign}.1f")


def _cell(interval: Interval, sign: str = "") -> str:
    value, low, high = (
        _percent(end, sign) for end in (interval.value, interval.low, interval.high)
    )
    return value if value == "undefined" else f"{value} [{low}, {high}]"
