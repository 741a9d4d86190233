"""Where a published number cannot be this study's, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.analysis.data_table import DataTable, is_empty
from pipelines.analysis.measures import BASE_RATE_GAP, EOD, GAP_OF, TITLES
from pipelines.analysis.published import Published
from pipelines.analysis.results import Study

# What was published of each data set (arXiv 2410.08407, section 4, and the data sets'
# own papers): examples of the test split, and the images' side in pixels.
_TEST_EXAMPLES = {
    "trifeature": 3_570,
    "cifar10": 10_000,
    "cifar100": 10_000,
    "svhn_cropped": 26_032,
    "tiny_imagenet": 10_000,
    "imagenet2012": 50_000,
    "celeb_a": 19_962,
    "hatexplain": 1_924,
}
_IMAGE_SIZE = {"trifeature": 224}
_TOO_LOW = 0.5  # Of what a model without an error, or noise, would have.


def notes(study: Study, summary: DataTable, published: Published) -> list[str]:
    """Sentences for people; none where nothing is published of this study.

    Args:
      study: the study.
      summary: `summary_table` of it, with the gaps by chance.
      published: what was published of its data set and models.
    """
    if not published.measures:
        return []
    found = list(_sizes(study))
    for measure, numbers in published.measures.items():
        rows = [row for row in summary.rows if row["attribute"] == measure.by]
        if measure.attribute and rows:
            means = [number.mean for number in numbers.values()]
            found += _level(measure.metric, measure.by, min(means), max(means), rows)
    return found


def _sizes(study: Study) -> Iterator[str]:
    dataset = study.config["dataset"]
    name = dataset["name"]
    differs = []
    for what, published, here in (
        (
            f"{study.split} examples",
            _TEST_EXAMPLES.get(name),
            len(study.truth[study.split].labels),
        ),
        ("pixels a side", _IMAGE_SIZE.get(name), dataset.get("image_size")),
    ):
        if published and here and published != here:
            differs.append(f"{published:,} {what} there and {here:,} here")
    if differs:
        yield (
            "The published row is of the same data set and models, but not of this "
            f"size: {'; '.join(differs)}. Compare the course over T, not the level."
        )


def _level(
    metric: str,
    by: str,
    lowest: float,
    highest: float,
    rows: list[Mapping[str, Any]],
) -> Iterator[str]:
    """Whether the published values can be of this definition and of these groups."""
    values = f"{100 * lowest:.2f} to {100 * highest:.2f} %"
    title = f"{TITLES[metric]} by {by}"
    if GAP_OF[metric] == EOD:
        chance: list[Any] = [row.get("eod_chance") for row in rows]
        known = [value for value in chance if not is_empty(value)]
        if known and highest < _TOO_LOW * min(known):
            yield (
                f"The published {title}, {values}, cannot be the EOD of here: groups "
                f"of these sizes drawn at random have {100 * min(known):.1f} % by "
                "noise alone. Its definition is not published; compare its course "
                "over T alone."
            )
        return
    base_rate: Any = rows[0].get(BASE_RATE_GAP)
    if not is_empty(base_rate) and highest < _TOO_LOW * base_rate:
        yield (
            f"The published {title}, {values}, cannot be of the groups of here: their "
            f"labels alone are {100 * base_rate:.1f} points apart, so that a model "
            "without an error has that DPD. Which groups were compared is not "
            "published."
        )
