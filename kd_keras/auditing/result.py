"""What an audit found."""

import dataclasses
import html
import importlib
import json
import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kd_keras.auditing import text
from kd_keras.auditing.figure import intervals_svg
from kd_keras.auditing.groups import GroupChange
from kd_keras.auditing.measure import Key
from kd_keras.auditing.names import metric_name
from kd_keras.fairness import GroupCounts, Interval, PairedCounts
from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.names import attribute_name, group_name
from kd_keras.table import Table

# Groups in a figure, and letters in a line.
_SHOWN, _WIDTH = 12, 100


@dataclasses.dataclass(frozen=True, repr=False)
class Audit:
    """Comparison of models on one data set; `print` shows it.

    A key is (model, metric, attribute): the metric is "accuracy" or the name of a
    gap; the attribute of a crossing is a tuple, that of an accuracy is "".

    Attributes:
      data: name of the data set.
      class_names: the classes in the order of their labels.
      attributes: the sensitive attributes, and tuples of crossed ones.
      gaps: names of the gaps that were measured.
      level: nominal coverage of the intervals.
      min_examples: rates of fewer examples are in no gap.
      models: model -> its runs. A single model is a run of its own name; the seeds of
        "distilled" are "distilled[0]", "distilled[1]", ...
      counts: run -> its counts, from which any other number can be had.
      pairs: run -> its counts beside those of the reference, as model b.
      values: key -> the value with its interval; of several seeds the mean.
      changes: key -> the value minus that of the reference, on the same draws of
        examples; for all models but the reference.
      sds: key -> standard deviation over the seeds, where a model has several.
      groups: model -> the change of each group's accuracy against the reference, the
        worst first; for all models but the reference.
      disagreement: model -> share of examples on which it predicts another class
        than the reference, the mean over its seeds.
      remarks: what is odd about data or scores, one line each.
    """

    data: str
    class_names: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    gaps: tuple[str, ...]
    level: float
    min_examples: int
    models: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, GroupCounts]
    pairs: Mapping[str, PairedCounts]
    values: Mapping[Key, Interval]
    changes: Mapping[Key, Interval]
    sds: Mapping[Key, float]
    groups: Mapping[str, tuple[GroupChange, ...]]
    disagreement: Mapping[str, float]
    remarks: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """Name of the model that the others are compared with."""
        return next(iter(self.models))

    @property
    def sentence(self) -> str:
        """Whom the models fail most against the reference, and whether it is sure."""
        return text.sentence(self)

    def tables(self) -> Iterator[Table]:
        """Accuracy, then the gaps and the groups' accuracy of each attribute."""
        yield from (table for table, _ in text.tables(self))

    def notes(self) -> list[str]:
        """Oddities of data and scores, and why values are undefined, a line each."""
        return text.notes(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything that the text says, as JSON can have it; undefined is None.

        Returns:
          Data, models and options; "values" and "groups" are lists of the rows of
          `to_frame`.
        """
        return {
            "sentence": self.sentence,
            "data": self.data,
            "class_names": list(self.class_names),
            "attributes": [
                list(a) if isinstance(a, tuple) else a for a in self.attributes
            ],
            "reference": self.reference,
            "models": {model: len(runs) for model, runs in self.models.items()},
            "level": self.level,
            "min_examples": self.min_examples,
            "disagreement": dict(self.disagreement),
            "values": [_known(row) for row in self._value_rows()],
            "groups": [_known(row) for row in self._group_rows()],
            "notes": self.notes(),
        }

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def to_frame(self) -> Any:
        """All values in one tidy pandas DataFrame.

        Returns:
          A row for each value and, with metric "accuracy", for each group of each
          attribute. Columns: model, seeds, metric, attribute ("sex x race" for a
          crossing, "" for all examples), group ("" for a gap), examples, value, low,
          high, sd, change, change_low, change_high; NaN where there is none.
        """
        pandas = importlib.import_module("pandas")
        return pandas.DataFrame([*self._value_rows(), *self._group_rows()])

    def plot_groups(self, model: str | None = None) -> Any:
        """Draws the change of each group's accuracy, the worst first.

        Args:
          model: one of the models but the reference; None for the last of them.

        Returns:
          A matplotlib Figure.

        Raises:
          ValueError: if there is no such model.
        """
        others = list(self.groups)
        model = others[-1] if model is None and others else model
        if model not in others:
            raise ValueError(
                f"`model` must be one of {others}, which are compared with "
                f"{self.reference!r}. Received: {model!r}."
            )
        figures = importlib.import_module("matplotlib.figure")
        rows = self._group_intervals(model)
        figure = figures.Figure((7, 1 + 0.3 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for y, interval in enumerate(rows.values()):
            ends = [100 * interval.low, 100 * interval.high]
            axes.plot(ends, [y, y], color="black", linewidth=1)
            axes.plot(100 * interval.value, y, "o", color="black")
        axes.axvline(0, color="gray", linewidth=0.8)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)  # The first one on top.
        axes.set_xlabel("change of accuracy, points")
        axes.set_title(self._groups_title(model))
        return figure

    def __str__(self) -> str:
        def wrapped(line: str) -> str:
            return textwrap.fill(line, _WIDTH, subsequent_indent="  ")

        shown = [
            "\n".join([table.text(), *map(wrapped, lines)])
            for table, lines in text.tables(self)
        ]
        top = [f"{self.sentence}.", text.headline(self)]
        return "\n\n".join([*map(wrapped, top), *shown, *map(wrapped, self.notes())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def paragraphs(lines: list[str]) -> str:
            return "".join(f"<p>{html.escape(line)}.</p>" for line in lines)

        shown = [table.html() + paragraphs(lines) for table, lines in text.tables(self)]
        top = paragraphs([self.sentence, text.headline(self)])
        return "".join([top, *self._figures(), *shown, paragraphs(self.notes())])

    def _figures(self) -> Iterator[str]:
        for model in self.groups:
            rows = self._group_intervals(model)
            shown = dict(list(rows.items())[:_SHOWN])
            if shown:
                yield intervals_svg(self._groups_title(model), shown, names=220)
        keys = dict.fromkeys((metric, group) for _, metric, group in self.values)
        for metric, attribute in keys:
            by = f" by {attribute_name(attribute)}" if attribute else ""
            intervals = {
                model: self.values[model, metric, attribute] for model in self.models
            }
            yield intervals_svg(f"{metric_name(metric)}{by}", intervals)

    def _groups_title(self, model: str) -> str:
        return f"accuracy of {model} minus {self.reference}, worst group first"

    def _group_intervals(self, model: str) -> dict[str, Interval]:
        several = len(self.attributes) > 1
        return {
            (f"{attribute_name(g.attribute)}: " if several else "")
            + f"{group_name(g.group)} ({g.examples})": g.change
            for g in self.groups[model]
        }

    def _value_rows(self) -> Iterator[dict[str, Any]]:
        for key, interval in self.values.items():
            model, metric, attribute = key
            run = self.models[model][0]
            row = _row(model, len(self.models[model]), metric, attribute, "")
            row["examples"] = self.counts[run].num_examples
            row |= {"value": interval.value, "low": interval.low, "high": interval.high}
            row["sd"] = self.sds.get(key, math.nan)
            yield row | _change(self.changes.get(key))

    def _group_rows(self) -> Iterator[dict[str, Any]]:
        for model, runs in self.models.items():
            changes = {
                (g.attribute, g.group): g.change for g in self.groups.get(model, ())
            }
            for attribute in self.attributes:
                rates = [self.counts[run].accuracy(attribute) for run in runs]
                wilson = rates[0].intervals(self.level)
                for group, n in rates[0].examples.items():
                    values = [of.by_group[group] for of in rates]
                    row = _row(model, len(runs), "accuracy", attribute, group)
                    row |= {"examples": n, "value": float(np.mean(values))}
                    row |= {"low": math.nan, "high": math.nan, "sd": math.nan}
                    if len(runs) == 1:
                        ends = wilson[group]
                        row |= {"low": ends.low, "high": ends.high}
                    else:
                        row["sd"] = float(np.std(values, ddof=1))
                    yield row | _change(changes.get((attribute, group)))


def _row(
    model: str, seeds: int, metric: str, attribute: Attribute, group: Any
) -> dict[str, Any]:
    return {
        "model": model,
        "seeds": seeds,
        "metric": metric,
        "attribute": attribute_name(attribute),
        "group": group_name(group),
    }


def _change(interval: Interval | None) -> dict[str, float]:
    if interval is None:
        return dict.fromkeys(("change", "change_low", "change_high"), math.nan)
    ends = (interval.value, interval.low, interval.high)
    return dict(zip(("change", "change_low", "change_high"), ends, strict=True))


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    """NaN as None, which JSON can have."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in row.items()
    }
