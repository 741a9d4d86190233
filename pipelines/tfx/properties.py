"""What Pusher and Resolver read of a blessing: custom properties, not files."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Judged(NamedTuple):
    """A model artifact, by what names it in ml-metadata."""

    uri: str
    id: int


def of_verdict(
    verdict: Mapping[str, Any], model: Judged, baseline: Judged | None = None
) -> dict[str, int | str]:
    """The custom properties of a ModelBlessing, as TFX's Evaluator sets them.

    Pusher reads "blessed", LatestBlessedModelStrategy "current_model_id" as well.

    Args:
      verdict: as of `pipelines.tfx.judging.judge`.
      model: the model that was judged.
      baseline: the last blessed model, where there is one.

    Returns:
      Property -> value; "reasons" has a line for each condition.
    """
    found: dict[str, int | str] = {
        "blessed": int(verdict["blessed"]),
        "current_model": model.uri,
        "current_model_id": model.id,
        "policy": verdict["policy"],
        "reasons": "\n".join(reasons(verdict)),
    }
    if baseline:
        found |= {"baseline_model": baseline.uri, "baseline_model_id": baseline.id}
    return found


def reasons(verdict: Mapping[str, Any]) -> list[str]:
    """One line for each condition: its status, and why."""
    skipped = [{**c, "status": "not judged"} for c in verdict["not_judged"]]
    conditions = [*verdict["conditions"], *skipped]
    return [f"{c['name']}: {c['status']}: {c['reason']}" for c in conditions]
