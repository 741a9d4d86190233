"""A run's model card and the draft of Annex IV as HTML pages."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Protocol

import jinja2

from kd_keras import files
from pipelines.analysis.annex_iv import Item

TO_FILL_IN = "For a person to fill in."
# Field of the model card -> its heading.
TITLES = {
    "documentation": "Description",
    "owners": "Owners",
    "licenses": "Licences",
    "references": "References",
    "citations": "Citations",
    "users": "Intended users",
    "use_cases": "Intended uses",
    "limitations": "Limitations",
    "tradeoffs": "Trade-offs",
    "ethical_considerations": "Risks, and what is done about them",
}


class Card(Protocol):
    """A card that was written, as `pipelines.release.card_files` returns it."""

    @property
    def directory(self) -> str: ...
    @property
    def toolkit(self) -> Mapping[str, Any]: ...
    @property
    def annex(self) -> Sequence[Item]: ...
    @property
    def whom(self) -> Sequence[str]: ...


def write(card: Card) -> list[str]:
    """Writes model_card.html and annex_iv.html; returns their paths."""
    pages = {
        "model_card.html": model_card_html(card.toolkit, card.whom),
        "annex_iv.html": annex_html(card.toolkit, card.annex),
    }
    for name, text in pages.items():
        files.write_text(files.join(card.directory, name), text)
    return [files.join(card.directory, name) for name in pages]


def model_card_html(card: Mapping[str, Any], whom: Sequence[str]) -> str:
    """The model card as a page; every text is escaped.

    Args:
      card: of Model Card Toolkit's schema.
      whom: sentences about the groups that it serves worst.
    """
    fields = {**card["model_details"], **card["considerations"]}
    written = {title: _lines(fields[name]) for name, title in TITLES.items()}
    metrics = card["quantitative_analysis"]["performance_metrics"]
    return _render(
        "model_card.html.jinja",
        card=card,
        whom=whom,
        written=written,
        groups=[_numbers(m) for m in sorted(metrics, key=_worst_first) if _of_group(m)],
        gaps=[_numbers(m) for m in metrics if m["type"] != "accuracy"],
    )


def annex_html(card: Mapping[str, Any], items: Sequence[Item]) -> str:
    """The draft as a page; every text is escaped."""
    return _render("annex_iv.html.jinja", card=card, items=items)


def _of_group(metric: Mapping[str, Any]) -> bool:
    """Whether it is an accuracy: of all examples, or of a group."""
    return bool(metric["type"] == "accuracy")


def _worst_first(metric: Mapping[str, Any]) -> tuple[str, str]:
    """By attribute, and then by what six decimals say."""
    return (metric.get("slice", "").partition("=")[0], metric["value"])


def _lines(value: str | Sequence[Mapping[str, str]]) -> list[str]:
    """What a person has written, a line per entry."""
    entries = [{"": value}] if isinstance(value, str) else value
    lines = ("; ".join(filter(None, entry.values())) for entry in entries)
    return [line for line in lines if line.strip()]


def _numbers(metric: Mapping[str, Any]) -> dict[str, str]:
    ends = metric.get("confidence_interval", {})
    low, high = ends.get("lower_bound"), ends.get("upper_bound")
    try:
        value = _percent(metric["value"])
    except ValueError:  # The reason why it is undefined.
        value = metric["value"]
    return {
        "name": metric["type"].replace("_", " "),
        "of": metric.get("slice", "all examples"),
        "value": value,
        "interval": f"{_percent(low)} to {_percent(high)}" if low and high else "-",
    }


def _percent(text: str) -> str:
    return f"{100 * float(text):.1f} %"


def _render(template: str, **values: Any) -> str:
    here = resources.files("pipelines.report")
    texts = {
        name: here.joinpath(name).read_text("utf-8")
        for name in ("card_page.html.jinja", template)
    }
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        loader=jinja2.DictLoader(texts),
    )
    return environment.get_template(template).render(fill_in=TO_FILL_IN, **values)
